/**
 * The arithmetic of convolutions: borders, lengths of outputs, and which element meets which weight, for lengths that are numbers or symbolic
 * (theano/tensor/nnet/abstract_conv.py get_conv_shape_1axis). Must not know records. Used by conv.ts.
 */
import type { Params } from "../graph/op.js";
import type { Variable } from "../graph/variable.js";
import type { Shape } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { add, floorDiv, mul, sub } from "./elementwise.js";
import type { Length } from "./shape.js";

export type Pair = readonly [number, number];
export const isCount = (n: unknown, least: number): n is number => typeof n === "number" && Number.isInteger(n) && n >= least;
/** Whether users gave two whole numbers of at least `least`. */
export const isPair = (x: unknown, least: number): x is Pair => Array.isArray(x) && x.length === 2 && x.every((n) => isCount(n, least));
/** Zeros before and after one axis: numbers, half of the filter's length (rounded down), or all but one of it. */
export type Side = Pair | "half" | "full";

/** What all of a convolution's ops have in common; pairs are for rows and columns. */
export interface ConvParams extends Params {
  readonly border: readonly [Side, Side];
  readonly subsample: Pair;
  readonly dilation: Pair;
  /** Filters are turned by half a circle: a convolution, not a correlation. */
  readonly flip: boolean;
  /** Groups of channels, each with filters of its own. */
  readonly groups: number;
}

const bothNumbers = (a: Length, b: Length): readonly [number, number] | null => (typeof a === "number" && typeof b === "number" ? [a, b] : null);
const by = (onNumbers: (a: number, b: number) => number, onVariables: (a: Length, b: Length) => Variable) => (a: Length, b: Length): Length => {
  const numbers = bothNumbers(a, b);
  return numbers ? onNumbers(...numbers) : onVariables(a, b);
};
export const plus = by((a, b) => a + b, add);
export const minus = by((a, b) => a - b, sub);
const times = by((a, b) => a * b, mul);
const over = by((a, b) => Math.floor(a / b), floorDiv);

/** From the first to the last element that a filter of length k touches, less one. */
export const reach = (k: Length, dilation: number): Length => times(minus(k, 1), dilation);

/** Zeros before and after an axis. */
export function padsOf(side: Side, k: Length, dilation: number): readonly [Length, Length] {
  if (typeof side !== "string") return side;
  const both = side === "full" ? reach(k, dilation) : over(plus(reach(k, dilation), 1), 2);
  return [both, both];
}

/** A stack of images, of filters, and how they meet: all lengths as numbers. */
export interface Geometry {
  readonly batch: number;
  readonly groups: number;
  /** Of one group. */
  readonly channels: number;
  readonly filters: number;
  readonly image: Pair;
  readonly kernel: Pair;
  readonly out: Pair;
  /** Zeros before rows and columns. */
  readonly low: Pair;
}

const pairOf = (f: (axis: 0 | 1) => number): Pair => [f(0), f(1)];

/** Rows and columns of the result; below 0 where filters are larger than what they are laid on. */
function outLengths(image: Pair, kernel: Pair, p: ConvParams): Pair {
  return pairOf((a) => {
    const [low, high] = padsOf(p.border[a], kernel[a], p.dilation[a]) as Pair;
    return Math.floor((image[a] + low + high - (reach(kernel[a], p.dilation[a]) as number) - 1) / p.subsample[a]) + 1;
  });
}

/** From the shapes of images and of filters. `report` is told `conv-channels`, `conv-groups` and `conv-size`. */
export function geometryOf(images: Shape, weights: Shape, p: ConvParams, report: (code: string, what: string, fix: string) => never): Geometry {
  const [batch, channels] = images as readonly [number, number];
  const [filters, taken] = weights as readonly [number, number];
  const [image, kernel] = [images.slice(2) as unknown as Pair, weights.slice(2) as unknown as Pair];
  if (filters % p.groups !== 0) report("conv-groups", `${filters} filters cannot be shared out to ${p.groups} groups.`, "let numGroups divide the number of filters");
  if (channels !== taken * p.groups) {
    report("conv-channels", `The images have ${channels} channels and the filters take ${taken}${p.groups > 1 ? ` in each of ${p.groups} groups` : ""}.`, "make axis 1 of the filters as long as axis 1 of the images, divided by the groups");
  }
  const out = outLengths(image, kernel, p);
  if (out.some((d) => d < 0)) report("conv-size", `Filters of ${kernel.join(" x ")} (dilated by ${p.dilation.join(" x ")}) do not fit on images of ${image.join(" x ")} with their border.`, "use smaller filters, larger images or a wider border");
  const low = pairOf((a) => padsOf(p.border[a], kernel[a], p.dilation[a])[0] as number);
  return { batch, groups: p.groups, channels: taken, filters: filters / p.groups, image, kernel, out, low };
}

/** What a reference reports to. */
export const refuse = (code: string, what: string, fix: string): never => fail("value", code, { what, fix });

/** Calls `visit` with the flat positions of output, image element and weight for each product in a convolution. */
export function eachProduct(g: Geometry, p: ConvParams, visit: (out: number, image: number, weight: number) => void): void {
  const rows = meetings(g, p, 0);
  const columns = meetings(g, p, 1);
  for (let n = 0; n < g.batch; n++) {
    for (let f = 0; f < g.groups * g.filters; f++) {
      const group = Math.floor(f / g.filters);
      for (let c = 0; c < g.channels; c++) {
        const out = (n * g.groups * g.filters + f) * g.out[0];
        const image = ((n * g.groups + group) * g.channels + c) * g.image[0];
        const weight = (f * g.channels + c) * g.kernel[0];
        for (const [i, y, a] of rows) for (const [j, x, b] of columns) visit((out + i) * g.out[1] + j, (image + y) * g.image[1] + x, (weight + a) * g.kernel[1] + b);
      }
    }
  }
}

/** Along one axis: output, image and weight positions that belong together. */
function meetings(g: Geometry, p: ConvParams, axis: 0 | 1): (readonly [number, number, number])[] {
  const made: (readonly [number, number, number])[] = [];
  for (let i = 0; i < g.out[axis]; i++) {
    for (let a = 0; a < g.kernel[axis]; a++) {
      const at = i * p.subsample[axis] + a * p.dilation[axis] - g.low[axis];
      if (at >= 0 && at < g.image[axis]) made.push([i, at, p.flip ? g.kernel[axis] - 1 - a : a]);
    }
  }
  return made;
}
