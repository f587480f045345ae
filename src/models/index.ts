/**
 * `damo/models`: the article's programs, ported line by line on the public API. Nothing is defined here.
 */
export * from "./atis.js";
export * from "./checkpoint.js";
export * from "./conlleval.js";
export * from "./convolutional_mlp.js";
export * from "./dbn.js";
export * from "./dbn_program.js";
export * from "./early_stopping.js";
export * from "./hmc.js";
export * from "./hmc_program.js";
export * from "./imdb.js";
export * from "./logistic_sgd.js";
export * from "./lstm.js";
export * from "./lstm_optimizers.js";
export * from "./lstm_program.js";
export * from "./midi.js";
export * from "./mlp.js";
export * from "./model_files.js";
export * from "./observe.js";
export * from "./rbm.js";
export * from "./rbm_program.js";
export * from "./recurrent_layers.js";
export * from "./rnnrbm.js";
export * from "./rnnrbm_program.js";
export * from "./rnnslu.js";
export * from "./rnnslu_program.js";
export * from "./training.js";
export * from "./tunes.js";
export * from "./utils.js";
