/**
 * The article's logistic_sgd with its own settings: `node dist/examples/logistic_sgd.js [dataset]`. Takes hours on drawn digits or MNIST; main.ts has smaller ones.
 */
import { closeDevices } from "damo";
import { sgdOptimizationMnist } from "damo/models";

await sgdOptimizationMnist({ dataset: process.argv[2] });
await closeDevices();
