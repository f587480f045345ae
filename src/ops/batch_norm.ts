/**
 * Batch normalisation with Theano's meaning (theano/tensor/nnet/bn.py): compositions of means and variances, so that gradients and kernels come from
 * their parts. Users find them under T.nnet.bn.
 */
import { castScalar } from "../codegen/ir/dtype.js";
import type { Variable } from "../graph/variable.js";
import { config } from "../util/config.js";
import { fail } from "../util/fail.js";
import { asTensor, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { add, cast, div, mul, sub } from "./elementwise.js";
import { inv, sqrt } from "./math.js";
import { addbroadcast, patternBroadcast } from "./rebroadcast.js";
import { lengthsOf } from "./shape.js";
import { mean as meanOf, variance } from "./statistics.js";

/** Axes that are averaged over: the first (`per-activation`), all but the second (`spatial`), or those listed. */
export type NormalisedAxes = "per-activation" | "spatial" | readonly number[];

export interface BatchNormOptions {
  readonly axes?: NormalisedAxes | undefined;
  /** Added to the variance; at least 1e-5. Default 1e-4. */
  readonly epsilon?: number | undefined;
}
export interface BatchNormTrainOptions extends BatchNormOptions {
  /** How far running averages move to those of the batch. Default 0.1. */
  readonly runningAverageFactor?: number | undefined;
  /** Both or neither. */
  readonly runningMean?: Operand | undefined;
  readonly runningVar?: Operand | undefined;
}

/** How parameters lie beside inputs: with all axes, or only those that are not averaged over. */
interface Layout {
  readonly axes: readonly number[];
  /** A parameter that broadcasts against the inputs. */
  readonly spread: (x: Operand, name: string) => Variable;
  /** A result of the inputs' rank in the parameters' rank. */
  readonly narrow: (x: Variable) => Variable;
}

function readAxes(v: Variable, axes: NormalisedAxes): readonly number[] {
  const list = axes === "per-activation" ? [0] : axes === "spatial" ? v.broadcastable.map((_, a) => a).filter((a) => a !== 1) : Array.isArray(axes) ? [...axes] : [];
  if (list.length === 0 || new Set(list).size !== list.length || list.some((a) => !Number.isInteger(a) || a < 0 || a >= v.ndim)) {
    fail("value", "batch-norm-axes", { what: `Batch normalisation of ${v} cannot average over the axes ${String(axes)}.`, where: String(v.origin), fix: `use per-activation, spatial, or a list of axes of 0 … ${v.ndim - 1}` });
  }
  return list.sort((a, b) => a - b);
}

function layoutOf(v: Variable, gamma: Operand, options: BatchNormOptions): Layout {
  const axes = readAxes(v, options.axes ?? "per-activation");
  const kept = v.broadcastable.map((_, a) => a).filter((a) => !axes.includes(a));
  const isFull = asTensor(gamma).ndim === v.ndim;
  const rank = isFull ? v.ndim : kept.length;
  const spread = (x: Operand, name: string): Variable => {
    const p = asTensor(x);
    if (p.ndim !== rank) {
      fail("value", "batch-norm-rank", { what: `${name} has ${p.ndim} axes where ${rank} are needed.`, where: String(p.origin), saw: [`inputs: ${v}`, `${name}: ${p}`], fix: "give all parameters the axes that are not averaged over, or all axes with length 1 on the others" });
    }
    return isFull ? addbroadcast(p, ...axes) : dimshuffle(p, ...v.broadcastable.map((_, a) => (kept.includes(a) ? kept.indexOf(a) : ("x" as const))));
  };
  return { axes, spread, narrow: (x) => (isFull ? x : dimshuffle(x, ...kept)) };
}

function checkEpsilon(epsilon: number): void {
  if (castScalar(epsilon, config.floatX) < 1e-5) {
    fail("value", "batch-norm-epsilon", { what: `epsilon must be at least 1e-5, got ${castScalar(epsilon, config.floatX)} in ${config.floatX}.`, fix: "use 1e-4, the default, or a number above 1e-5 also when rounded to floatX" });
  }
}

/** (inputs - mean) gamma / std + beta, where all have the inputs' rank and broadcast. */
export const batchNormalization = (inputs: Operand, gamma: Operand, beta: Operand, mean: Operand, std: Operand): Variable => add(mul(sub(inputs, mean), div(gamma, std)), beta);

/**
 * Inputs normalised by their own means and variances: `[out, mean, invstd]`, and with running averages their new values
 * `[out, mean, invstd, newRunningMean, newRunningVar]`. Errors: `batch-norm-axes`, `batch-norm-rank`, `batch-norm-epsilon`, `batch-norm-running`.
 */
export function batchNormalizationTrain(inputs: Operand, gamma: Operand, beta: Operand, options: BatchNormTrainOptions & { readonly runningMean: Operand; readonly runningVar: Operand }): [out: Variable, mean: Variable, invstd: Variable, newRunningMean: Variable, newRunningVar: Variable];
export function batchNormalizationTrain(inputs: Operand, gamma: Operand, beta: Operand, options?: BatchNormTrainOptions): [out: Variable, mean: Variable, invstd: Variable];
export function batchNormalizationTrain(inputs: Operand, gamma: Operand, beta: Operand, options: BatchNormTrainOptions = {}): Variable[] {
  const { epsilon = 1e-4, runningAverageFactor: factor = 0.1, runningMean, runningVar } = options;
  const v = asTensor(inputs);
  const { axes, spread, narrow } = layoutOf(v, gamma, options);
  checkEpsilon(epsilon);
  if ((runningMean === undefined) !== (runningVar === undefined)) fail("value", "batch-norm-running", { what: "One of runningMean and runningVar was given.", fix: "give both or neither" });
  const [scale, shift] = [spread(gamma, "gamma"), spread(beta, "beta")];
  const mean = meanOf(v, { axis: axes, keepdims: true });
  const spreadOut = variance(v, { axis: axes, keepdims: true });
  const invstd = inv(sqrt(add(spreadOut, epsilon)));
  const out = add(mul(sub(v, mean), mul(scale, invstd)), shift);
  if (runningMean === undefined || runningVar === undefined) return [out, narrow(mean), narrow(invstd)];
  const count = cast(axes.map((a) => lengthsOf(v)[a] as Variable).reduce((a, b) => mul(a, b)), config.floatX);
  const moved = (before: Operand, name: string, now: Variable): Variable => {
    const old = spread(before, name);
    return narrow(patternBroadcast(add(mul(old, 1 - factor), mul(now, factor)), old.broadcastable));
  };
  const unbiased = mul(div(count, sub(count, 1)), spreadOut);
  return [out, narrow(mean), narrow(invstd), moved(runningMean, "runningMean", mean), moved(runningVar, "runningVar", unbiased)];
}

/** Inputs normalised by given means and variances: (inputs - mean) gamma / sqrt(variance + epsilon) + beta. Errors as `batchNormalizationTrain`. */
export function batchNormalizationTest(inputs: Operand, gamma: Operand, beta: Operand, mean: Operand, variance: Operand, options: BatchNormOptions = {}): Variable {
  const { epsilon = 1e-4 } = options;
  const v = asTensor(inputs);
  const { spread } = layoutOf(v, gamma, options);
  checkEpsilon(epsilon);
  const std = sqrt(add(spread(variance, "variance"), epsilon));
  return batchNormalization(v, spread(gamma, "gamma"), spread(beta, "beta"), spread(mean, "mean"), std);
}
