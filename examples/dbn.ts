/**
 * The article's dbn with its own settings: `node dist/examples/dbn.js [dataset]`. Takes hours on drawn digits or MNIST; main.ts has smaller ones.
 */
import { closeDevices } from "damo";
import { testDbn } from "damo/models";

await testDbn({ dataset: process.argv[2] });
await closeDevices();
