/**
 * The same training call through damo: the article's RBM with PCD-k, compiled for a gpu.js mode. On the public API only.
 * Next: run.mjs times it beside handwritten.mjs.
 */
import { compile, config, MRGRandomStreams, numpy as np, shared, T } from "damo";
import { RBM } from "damo/models";

/**
 * @param {{ mode: string, k: number, visible?: number, hidden?: number, batch?: number, lr?: number }} options
 * @returns {{ step(v0: Float32Array): Promise<number>, explain(): unknown, dispose(): Promise<void> }}
 */
export function generated({ mode, k, visible = 784, hidden = 500, batch = 20, lr = 0.1 }) {
  const x = T.matrix("x");
  const rbm = new RBM({ input: x, nVisible: visible, nHidden: hidden, numpyRng: new np.random.RandomState(123), theanoRng: new MRGRandomStreams(123) });
  const chain = shared(np.zeros([batch, hidden], { dtype: config.floatX }));
  const [cost, updates] = rbm.getCostUpdates({ lr, persistent: chain, k });
  const train = compile([x], cost, { updates, device: `gpu:${mode}`, name: "train_rbm" });
  return {
    async step(v0) {
      return Number(await train(np.asarray(v0, { dtype: "float32" }).reshape([batch, visible])));
    },
    explain: () => train.explain(),
    async dispose() {
      await train.dispose();
    },
  };
}
