/**
 * The article's rbm with its own settings: `node dist/examples/rbm.js [dataset]`. Takes hours on drawn digits or MNIST; main.ts has smaller ones.
 */
import { closeDevices } from "damo";
import { testRbm } from "damo/models";

await testRbm({ dataset: process.argv[2] });
await closeDevices();
