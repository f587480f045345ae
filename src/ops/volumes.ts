/**
 * Convolution and pooling of volumes (theano/tensor/nnet/abstract_conv.py conv3d, theano/tensor/signal/pool.py pool_3d), as those of images: the planes
 * under a filter are channels, and a window is a window of planes in a window of points. Next: convolutions.ts and pooling.ts.
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { zeros } from "./alloc.js";
import { isCount } from "./conv_geometry.js";
import { conv2d } from "./convolutions.js";
import { asTensors, asTensor, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { add, floorDiv, mul, sub } from "./elementwise.js";
import { get } from "./indexing.js";
import { windowCount, windows } from "./neighbours.js";
import { pool2d, type PoolMode } from "./pooling.js";
import { reshape } from "./reshape.js";
import { setSubtensor } from "./set_subtensor.js";
import { type Length, lengthsOf, shapeAt } from "./shape.js";
import { all, slice } from "./slices.js";
import { specifyShape } from "./specify_shape.js";

/** Planes, rows and columns. */
export type Triple = readonly [number, number, number];

export interface Conv3dOptions {
  /** Lengths that the volumes and the filters must have; null where one is not known. */
  readonly inputShape?: readonly (Length | null)[] | null | undefined;
  readonly filterShape?: readonly (Length | null)[] | null | undefined;
  /** Zeros around volumes: "valid" (default), "half", "full", or how many: of all axes, or of each. */
  readonly borderMode?: "valid" | "half" | "full" | number | Triple | undefined;
  /** From one window to the next along each axis: 1 by default. */
  readonly subsample?: Triple | undefined;
  /** true (default) turns the filters around in all three axes. */
  readonly filterFlip?: boolean | undefined;
  /** From one element of a filter to the next in the volume: 1 by default. */
  readonly filterDilation?: Triple | undefined;
  /** Groups of channels, each with filters of its own: 1 by default. */
  readonly numGroups?: number | undefined;
}

/** An option of three whole numbers. */
function triple(name: string, given: Triple | number, least: number): Triple {
  const three = typeof given === "number" ? [given, given, given] : given;
  if (!Array.isArray(three) || three.length !== 3 || !three.every((n) => isCount(n, least))) {
    fail("value", "volume-triple", { what: `${name} takes three whole numbers from ${least}, got ${JSON.stringify(given)}.`, fix: "pass [planes, rows, columns]" });
  }
  return three as unknown as Triple;
}

function fiveAxes(name: string, x: Variable): Variable {
  if (x.ndim !== 5) fail("type", "volume-rank", { what: `${name} has 5 axes, got ${x}.`, where: String(x.origin), fix: "reshape to [n, channels, planes, rows, columns]" });
  return x;
}

const hinted = (x: Variable, hint: Conv3dOptions["inputShape"]): Variable => (hint === undefined || hint === null ? x : specifyShape(x, lengthsOf(x).map((d, a) => hint[a] ?? d)));

/** x with zeros before and after its planes. */
function padded(x: Variable, planes: Variable | number): Variable {
  if (planes === 0) return x;
  const [n, channels, depth, rows, columns] = lengthsOf(x) as [Variable, Variable, Variable, Variable, Variable];
  const around = zeros([n, channels, add(depth, mul(planes, 2)), rows, columns], x.dtype);
  return setSubtensor(get(around, all, all, slice(planes, add(depth, planes))), x);
}

/** The zeros around planes, and what conv2d takes for rows and columns. */
function borders(mode: NonNullable<Conv3dOptions["borderMode"]>, reach: Variable): { readonly planes: Variable | number; readonly image: "valid" | "half" | "full" | readonly [number, number] } {
  if (mode === "valid") return { planes: 0, image: "valid" };
  if (mode === "half") return { planes: floorDiv(reach, 2), image: "half" };
  if (mode === "full") return { planes: sub(reach, 1), image: "full" };
  const [planes, rows, columns] = triple("conv3d()'s borderMode", mode as Triple | number, 0);
  return { planes, image: [rows, columns] };
}

/**
 * Volumes `[n, channels, planes, rows, columns]` convolved with filters `[filters, channels, planes, rows, columns]`, of their dtype: the product
 * `[n, filters, planes, rows, columns]` (theano/tensor/nnet/abstract_conv.py conv3d). Errors: `volume-rank`, `volume-triple`, and those of conv2d.
 */
export function conv3d(input: Operand, filters: Operand, options: Conv3dOptions = {}): Variable {
  const { borderMode = "valid", filterFlip = true, numGroups = 1 } = options;
  const [x, w] = asTensors([input, filters]) as [Variable, Variable];
  const volumes = hinted(fiveAxes("The input of conv3d()", x), options.inputShape);
  const given = hinted(fiveAxes("The filters of conv3d()", w), options.filterShape);
  const step = triple("conv3d()'s subsample", options.subsample ?? 1, 1);
  const spread = triple("conv3d()'s filterDilation", options.filterDilation ?? 1, 1);
  const [count, channels, deep, high, wide] = lengthsOf(given) as [Variable, Variable, Variable, Variable, Variable];
  const reach = add(mul(sub(deep, 1), spread[0]), 1);
  const { planes, image } = borders(borderMode, reach);
  const whole = padded(volumes, planes);
  const outputs = windowCount(shapeAt(whole, 2), reach, step[0]);
  const [n, own, , rows, columns] = lengthsOf(whole) as [Variable, Variable, Variable, Variable, Variable];
  const images = reshape(dimshuffle(windows(whole, 2, outputs, deep, step[0], spread[0]), 0, 2, 1, 3, 4, 5), [mul(n, outputs), mul(own, deep), rows, columns]);
  const turned = filterFlip ? get(given, all, all, slice(null, null, -1)) : given;
  const made = conv2d(images, reshape(turned, [count, mul(channels, deep), high, wide]), { borderMode: image, subsample: [step[1], step[2]], filterDilation: [spread[1], spread[2]], filterFlip, numGroups });
  return dimshuffle(reshape(made, [n, outputs, count, shapeAt(made, 2), shapeAt(made, 3)]), 0, 2, 1, 3, 4);
}

export interface Pool3dOptions {
  /** The window; `ds` is its older name. */
  readonly ws?: Triple | undefined;
  readonly ds?: Triple | undefined;
  /** Whether what is left over at the ends is not read; false by default, as in Theano. */
  readonly ignoreBorder?: boolean | undefined;
  /** From one window to the next: the window's size by default. */
  readonly stride?: Triple | null | undefined;
  /** Zeros around volumes: 0 by default. */
  readonly pad?: Triple | undefined;
  /** "max" by default, and those of pool2d. */
  readonly mode?: PoolMode | undefined;
}

/** x with each window of its last three axes made one element: `pool3d(x, [2, 2, 2], { ignoreBorder: true })`. Errors: `volume-rank`, `volume-triple`, and those of pool2d. */
export function pool3d(input: Operand, window: Triple | Pool3dOptions, options: Pool3dOptions = {}): Variable {
  const x = asTensor(input);
  const given: Pool3dOptions = Array.isArray(window) ? { ...options, ws: window as unknown as Triple } : (window as Pool3dOptions);
  if (x.ndim < 3) fail("type", "volume-rank", { what: `pool3d() needs three or more axes: ${x}.`, where: String(x.origin), fix: "pass volumes, planes, rows and columns last" });
  const ws = triple("pool3d()'s window (ws)", given.ws ?? given.ds ?? ([] as never), 1);
  const stride = triple("pool3d()'s stride", given.stride ?? ws, 1);
  const pad = triple("pool3d()'s pad", given.pad ?? 0, 0);
  const rest = { ignoreBorder: given.ignoreBorder ?? false, mode: given.mode ?? ("max" as const) };
  const flat = pool2d(x, [ws[1], ws[2]], { stride: [stride[1], stride[2]], pad: [pad[1], pad[2]], ...rest });
  const front = flat.broadcastable.map((_, a) => a).slice(0, -3);
  const k = flat.ndim;
  // Windows of planes in windows of points: planes go last, beside rows that stay as they are.
  const upright = dimshuffle(flat, ...front, k - 2, k - 1, k - 3);
  const made = pool2d(upright, [1, ws[0]], { stride: [1, stride[0]], pad: [0, pad[0]], ...rest });
  return dimshuffle(made, ...front, k - 1, k - 3, k - 2);
}
