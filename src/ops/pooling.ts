/**
 * What users find under T.signal: pool2d with its modes, its older name maxPool2d, and maxima in place (theano/tensor/signal/pool.py, downsample.py).
 * Records are in pool.ts; averages are compositions.
 */
import { apply1, type Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { arange } from "./alloc.js";
import { isPair, type Pair } from "./conv_geometry.js";
import { asTensor, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { add, cast, div, maximum, minimum, mul, sub } from "./elementwise.js";
import { maxPoolGradOp, maxPoolOp, type PoolParams, sumPoolOp } from "./pool.js";
import { patternBroadcast } from "./rebroadcast.js";
import { asStored } from "./reduce.js";
import { shapeAt } from "./shape.js";

const MODES = ["max", "sum", "average_inc_pad", "average_exc_pad"] as const;
export type PoolMode = (typeof MODES)[number];

export interface PoolOptions {
  /** Rows and columns of a window; `ds` is its older name. */
  readonly ws?: Pair | undefined;
  readonly ds?: Pair | undefined;
  /** true leaves out windows that would end outside; false (default, as in Theano) cuts them. */
  readonly ignoreBorder?: boolean | undefined;
  /** From one window to the next, the window's size by default; `st` is its older name. */
  readonly stride?: Pair | null | undefined;
  readonly st?: Pair | null | undefined;
  /** Rows and columns around the image, none by default; only with `ignoreBorder`. `padding` is its older name. */
  readonly pad?: Pair | undefined;
  readonly padding?: Pair | undefined;
  /** What a window becomes, its maximum by default. Averages count the padding or not. */
  readonly mode?: PoolMode | undefined;
}

/** Two whole numbers of at least `least`. Error: `pool-pair`. */
function pair(name: string, given: unknown, least: number): Pair {
  return isPair(given, least) ? given : fail("value", "pool-pair", { what: `pool2d() takes two whole numbers from ${least} as ${name}, got ${String(given)}.`, fix: "pass [rows, columns]" });
}

function readParams(name: string, o: PoolOptions): PoolParams {
  const window = pair(`${name}'s window (ws)`, o.ws ?? o.ds, 1);
  const stride = pair("stride", o.stride ?? o.st ?? window, 1);
  const pad = pair("pad", o.pad ?? o.padding ?? [0, 0], 0);
  const ignoreBorder = o.ignoreBorder ?? false;
  if (pad.some((n) => n > 0) && !ignoreBorder) fail("unsupported", "pool-pad-border", { what: "padding works only with ignoreBorder: true.", saw: [`pad: ${pad.join(", ")}`], fix: "pass ignoreBorder: true" });
  if (pad.some((n, a) => n >= (window[a] as number))) fail("value", "pool-pad", { what: `Padding of ${pad.join(" x ")} leaves windows of ${window.join(" x ")} without an element.`, fix: "use a pad smaller than the window" });
  return { window, stride, pad, ignoreBorder };
}

/** How many elements each window of an axis has (numpy.average over the part that is cut out). */
function counts(x: Variable, pooled: Variable, p: PoolParams, axis: 0 | 1, withPadding: boolean): Variable {
  const [window, stride, pad] = [p.window[axis], p.stride[axis], p.pad[axis]];
  const start = mul(arange(shapeAt(pooled, axis - 2)), stride);
  const length = shapeAt(x, axis - 2);
  const [first, end] = withPadding ? [0, add(length, 2 * pad)] : [pad, add(length, pad)];
  return sub(minimum(add(start, window), end), maximum(start, first));
}

function average(x: Variable, p: PoolParams, withPadding: boolean): Variable {
  const total = apply1(sumPoolOp, [x], p);
  if (p.ignoreBorder && (withPadding || p.pad.every((n) => n === 0))) return div(total, p.window[0] * p.window[1]);
  const [rows, columns] = [counts(x, total, p, 0, withPadding), counts(x, total, p, 1, withPadding)];
  const count = cast(mul(dimshuffle(rows, 0, "x"), dimshuffle(columns, "x", 0)), total.dtype);
  return patternBroadcast(div(total, count), total.broadcastable);
}

/**
 * x with each window of its last two axes made one element: `pool2d(x, [2, 2], { ignoreBorder: true })`, `pool2d(x, { ws: [2, 2] })`. Every maximum of a
 * window gets its gradient. Errors: `pool-rank`, `pool-pair`, `pool-mode`, `pool-pad`, `pool-pad-border`.
 */
export function pool2d(input: Operand, ws: Pair | PoolOptions, options: PoolOptions = {}): Variable {
  const x = asTensor(input);
  const given: PoolOptions = Array.isArray(ws) ? { ...options, ws: ws as unknown as Pair } : (ws as PoolOptions);
  const { mode = "max" } = given;
  if (x.ndim < 2) fail("type", "pool-rank", { what: `pool2d() needs two or more axes: ${x}.`, where: String(x.origin), fix: "pass images, rows and columns last" });
  if (!MODES.includes(mode)) fail("value", "pool-mode", { what: `pool2d() has no mode '${String(mode)}'.`, fix: `use one of ${MODES.join(", ")}` });
  const p = readParams("pool2d()", given);
  if (mode === "max") return apply1(maxPoolOp, [x], p);
  return mode === "sum" ? apply1(sumPoolOp, [x], p) : average(x, p, mode === "average_inc_pad");
}

/** x where it is the maximum of its window, 0 elsewhere; windows lie side by side. Errors as `pool2d`. */
export function maxPool2dSameSize(input: Operand, patchSize: Pair): Variable {
  const x = asTensor(input);
  const p = readParams("maxPool2dSameSize()", { ws: patchSize, ignoreBorder: true });
  const maxima = pool2d(x, patchSize, { ignoreBorder: true });
  return apply1(maxPoolGradOp, [asStored(x), maxima, maxima], p);
}

/** `theano.tensor.signal.pool`. */
export const pool = { pool2d, maxPool2dSameSize };
/** `theano.tensor.signal.downsample`, the older names. */
export const downsample = { maxPool2d: pool2d };
