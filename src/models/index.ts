/**
 * `damo/models`: the article's programs, ported line by line on the public API. Nothing is defined here.
 */
export * from "./autoencoder.js";
export * from "./ca.js";
export * from "./checkpoint.js";
export * from "./convolutional_mlp.js";
export * from "./da.js";
export * from "./dbn.js";
export * from "./dbn_program.js";
export * from "./early_stopping.js";
export * from "./fmin_cg.js";
export * from "./logistic_cg.js";
export * from "./logistic_sgd.js";
export * from "./logistic_sgd_program.js";
export * from "./mlp.js";
export * from "./model_files.js";
export * from "./observe.js";
export * from "./program.js";
export * from "./rbm.js";
export * from "./rbm_program.js";
export * from "./sda.js";
export * from "./stacked.js";
export * from "./stacked_program.js";
export * from "./training.js";
export * from "./utils.js";
