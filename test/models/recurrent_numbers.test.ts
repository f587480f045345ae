/**
 * The recurrent tutorials' costs, gradients and steps beside PyTorch's and NumPy's in float64, for the same weights and data (fixtures/recurrent.py made
 * the numbers).
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compile, config, grad, type NdArray, numpy as np, shared, type SharedVariable, T, type Variable } from "../../src/index.js";
import { simulateDynamics } from "../../src/models/hmc.js";
import { prepareData } from "../../src/models/imdb.js";
import { buildModel, initParams, initTparams } from "../../src/models/lstm.js";
import { optimizers, type OptimizerName } from "../../src/models/lstm_optimizers.js";
import type { Encoder } from "../../src/models/recurrent_layers.js";
import { RnnRbm } from "../../src/models/rnnrbm.js";
import { RNNSLU } from "../../src/models/rnnslu.js";
import { describeOn, type Setting } from "../acceptance/devices.js";

interface Graded {
  readonly cost: number;
  readonly pred: number[];
  readonly grads: Record<string, number[]>;
}

interface Numbers {
  readonly rnnslu: { readonly nll: number; readonly labels: number[]; readonly after: Record<string, number[]> };
  readonly lstm: Graded;
  readonly gru: Graded;
  readonly rnnrbm: Graded;
  readonly optimizers: Record<OptimizerName, number[][]>;
  readonly leapfrog: { readonly pos: number[][]; readonly vel: number[][] };
}

const numbers = JSON.parse(readFileSync(new URL("fixtures/recurrent.json", import.meta.url), "utf8")) as Numbers;

const RUNS: readonly Setting[] = [{ device: "reference", floatX: "float64" }, { device: "wasm", floatX: "float64" }, { device: "wasm", floatX: "float32" }, { device: "gpu:webasm", floatX: "float32" }];

/** Sets variables to one stream's draws, as the script does. */
function drawInto(seed: number, variables: Iterable<SharedVariable>): void {
  const rng = new np.random.RandomState(seed);
  for (const v of variables) v.setValue(np.asarray(np.multiply(0.5, rng.uniform({ low: -1, high: 1, size: v.valueShape })), { dtype: v.dtype }));
}

function expectAll(got: NdArray, expected: readonly number[], what: string): void {
  expect(got.size, what).toBe(expected.length);
  const tolerance = config.floatX === "float64" ? 1e-12 : 2e-5;
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  const off = Math.max(...expected.map((e, i) => Math.abs(e - (got.data[i] as number))));
  expect(off, what).toBeLessThan(tolerance * largest);
}

const one = (x: unknown): NdArray => np.asarray(Number(x), { dtype: "float64" });
const asX = (x: Parameters<typeof np.asarray>[0]): NdArray => np.asarray(x, { dtype: config.floatX });

describeOn(RUNS, "the recurrent tutorials' numbers", () => {
  test("rnnslu: cost, labels, and all parameters after a step and normalisation", async () => {
    const { nll, labels, after } = numbers.rnnslu;
    const model = new RNNSLU({ nh: 5, nc: 4, ne: 7, de: 3, cs: 3 }, new np.random.RandomState(1));
    drawInto(345, model.params);
    expect(await model.label([2, 0, 6, 3, 3], 3)).toEqual(labels);
    expectAll(one(await model.train([2, 0, 6, 3, 3], [0, 3, 1, 1, 2], 3, 0.1)), [nll], "nll");
    for (const [name, values] of Object.entries(after)) expectAll(await (model[name as "emb"] as SharedVariable).getValue(), values, name);
  });

  test.each(["lstm", "gru"] as const)("%s: probabilities, cost and gradients through the mask", async (encoder: Encoder) => {
    const options = { dimProj: 4, nWords: 9, ydim: 3, encoder, useDropout: true };
    const tparams = initTparams(initParams(options, new np.random.RandomState(1)));
    drawInto(7, tparams.values());
    const { x, mask, y, cost, fPredProb } = buildModel(tparams, options);
    const data = prepareData([[3, 4, 8, 2, 5, 1], [7, 2], [6, 6, 1, 2]], [2, 0, 1]) as NonNullable<ReturnType<typeof prepareData>>;
    expectAll((await fPredProb(data.x, data.mask)) as NdArray, numbers[encoder].pred, "pred");
    const [c, ...grads] = (await compile<readonly Variable[]>([x, mask, y], [cost, ...grad(cost, [...tparams.values()])])(data.x, data.mask, [...data.labels])) as unknown as [number, ...NdArray[]];
    expectAll(one(c), [numbers[encoder].cost], "cost");
    for (const [i, name] of [...tparams.keys()].entries()) expectAll(grads[i] as NdArray, numbers[encoder].grads[name] as number[], name);
  });

  test("rnnrbm: cost and gradients for given negative particles", async () => {
    const { graph: { v, vSample, cost, params } } = new RnnRbm({ nVisible: 6, nHidden: 5, nHiddenRecurrent: 4 });
    drawInto(11, params);
    const rng = new np.random.RandomState(12);
    const [data, particles] = [0, 1].map(() => asX(rng.binomial(1, 0.4, { size: [7, 6] }))) as [NdArray, NdArray];
    const given = T.matrix("given");
    const f = compile<readonly Variable[]>([v, given], [cost, ...grad(cost, params, { considerConstant: [vSample] })], { givens: [[vSample, given]] });
    const [c, ...grads] = (await f(data, particles)) as unknown as [number, ...NdArray[]];
    expectAll(one(c), [numbers.rnnrbm.cost], "cost");
    for (const [i, p] of params.entries()) expectAll(grads[i] as NdArray, numbers.rnnrbm.grads[p.name as string] as number[], p.name as string);
  });

  test.each(["sgd", "adadelta", "rmsprop"] as const)("%s: four steps on a weighted least-squares problem", async (name) => {
    const rng = new np.random.RandomState(3);
    const [X, w0, yValue] = [rng.randn(6, 3), rng.randn(3), rng.randn(6)].map(asX) as [NdArray, NdArray, NdArray];
    const w = shared(w0, { name: "w" });
    const [x, mask, y, lr] = [T.matrix("x"), T.vector("mask"), T.vector("y"), T.scalar("lr")];
    const cost = T.dot(x, w).sub(y).pow(2).mul(mask).sum();
    const { fGradShared, fUpdate } = optimizers[name]({ lr, tparams: new Map([["w", w]]), grads: [grad(cost, w)], x, mask, y, cost });
    for (const [i, expected] of numbers.optimizers[name].entries()) {
      await fGradShared(X, asX([1, 1, 0, 1, 1, 0.5]), yValue);
      await fUpdate(0.01);
      expectAll(await w.getValue(), expected, `step ${i}`);
    }
  });

  test("hmc: leapfrog steps are those of velocity Verlet", async () => {
    const rng = new np.random.RandomState(5);
    const [pos, vel] = [rng.randn(3, 2), rng.randn(3, 2)].map(asX) as [NdArray, NdArray];
    const [initialPos, initialVel] = [T.matrix("pos"), T.matrix("vel")];
    const energyFn = (x: Variable): Variable => x.pow(4).sum({ axis: 1 }).div(4).add(T.prod(x, { axis: 1 }));
    const [finalPos, finalVel] = simulateDynamics({ initialPos, initialVel, stepsize: T.constant(0.1, { dtype: config.floatX }), nSteps: 6, energyFn });
    const [p, q] = (await compile([initialPos, initialVel], [finalPos, finalVel] as const)(pos, vel)) as unknown as [NdArray, NdArray];
    expectAll(p, numbers.leapfrog.pos.flat(), "positions");
    expectAll(q, numbers.leapfrog.vel.flat(), "velocities");
  });
});
