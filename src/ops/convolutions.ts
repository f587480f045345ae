/**
 * What users find under T.nnet of convolutions, with Theano's names and options (theano/tensor/nnet/__init__.py, abstract_conv.py, conv.py).
 * Records are in conv.ts; here options are read and checked.
 */
import { apply1, type Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { convOp, gradInputsOp, gradWeightsOp } from "./conv.js";
import { type ConvParams, isCount, isPair, type Pair, type Side } from "./conv_geometry.js";
import { asTensor, asTensors, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { get } from "./indexing.js";
import { type Length, shapeAt } from "./shape.js";
import { all } from "./slices.js";
import { specifyShape } from "./specify_shape.js";

/** Four lengths of a tensor; null where one is not known. */
export type ShapeHint = readonly (Length | null)[] | null;
/** Zeros around images: none, half of the filter's length, all but one of it, or how many: of all sides, of rows and columns, before and after each. */
export type BorderMode = "valid" | "half" | "full" | number | readonly [number | Pair, number | Pair];

export interface ConvolveOptions {
  /** "valid" by default. */
  readonly borderMode?: BorderMode | undefined;
  /** From one output to the next: [1, 1] by default. */
  readonly subsample?: Pair | undefined;
  /** true (default) turns the filters by half a circle, which makes it a convolution; false is a correlation. */
  readonly filterFlip?: boolean | undefined;
  /** From one weight to the next on the image: [1, 1] by default. */
  readonly filterDilation?: Pair | undefined;
  /** Groups of channels, each with filters of its own: 1 by default. */
  readonly numGroups?: number | undefined;
}

export interface Conv2dOptions extends ConvolveOptions {
  /** Lengths that the images must have; `imageShape` is its older name. */
  readonly inputShape?: ShapeHint | undefined;
  readonly imageShape?: ShapeHint | undefined;
  /** Lengths that the filters must have. */
  readonly filterShape?: ShapeHint | undefined;
}

function readBorder(mode: BorderMode): readonly [Side, Side] {
  if (mode === "valid") return [[0, 0], [0, 0]];
  if (mode === "half" || mode === "full") return [mode, mode];
  const sides = (Array.isArray(mode) && mode.length === 2 ? mode : [mode, mode]) as readonly unknown[];
  const read = sides.map((side) => (isCount(side, 0) ? ([side, side] as const) : side));
  if (read.every((side) => isPair(side, 0))) return read as unknown as readonly [Pair, Pair];
  return fail("value", "conv-border", { what: `conv2d() has no borderMode '${JSON.stringify(mode)}'.`, fix: "use valid, half, full, or whole numbers of zeros: 1, [1, 2] or [[0, 1], [2, 2]]" });
}

function readParams({ borderMode = "valid", subsample = [1, 1], filterFlip = true, filterDilation = [1, 1], numGroups = 1 }: ConvolveOptions): ConvParams {
  for (const [name, given] of Object.entries({ subsample, filterDilation })) {
    if (!isPair(given, 1)) fail("value", "conv-pair", { what: `conv2d() takes two whole numbers from 1 as ${name}, got ${String(given)}.`, fix: "pass [rows, columns]" });
  }
  if (!isCount(numGroups, 1)) fail("value", "conv-groups", { what: `numGroups must be a whole number from 1, got ${numGroups}.`, fix: "use 1 for a convolution of all channels" });
  return { border: readBorder(borderMode), subsample, dilation: filterDilation, flip: filterFlip, groups: numGroups };
}

/** Both as tensors of rank 4. */
function fourAxes(operands: Readonly<Record<string, Operand>>): Variable[] {
  const tensors = asTensors(Object.values(operands));
  const names = Object.keys(operands);
  const bad = tensors.findIndex((v) => v.ndim !== 4);
  if (bad >= 0) {
    fail("type", "conv-rank", { what: `The ${names[bad]} of a convolution have 4 axes, got ${tensors[bad]}.`, where: String(tensors[bad]?.origin), fix: "reshape to [n, channels, rows, columns] or [filters, channels, rows, columns]" });
  }
  return tensors;
}

/** x, whose lengths are checked at run time. Error: `conv-shape`, and at run time `specify-shape`. */
function hinted(x: Variable, hint: ShapeHint | undefined): Variable {
  if (hint === undefined || hint === null) return x;
  if (hint.length !== 4) fail("value", "conv-shape", { what: `A convolution's shapes have 4 lengths, got ${hint.length}.`, fix: "write null for a length that is not known" });
  return hint.every((d) => d === null) ? x : specifyShape(x, hint.map((d, a) => d ?? shapeAt(x, a)));
}

/**
 * Images `[n, channels, rows, columns]` convolved with filters `[filters, channels, rows, columns]`: `[n, filters, rows, columns]`.
 * Errors: `conv-rank`, `conv-border`, `conv-pair`, `conv-groups`, `conv-shape`; at run time `conv-channels`, `conv-size`, `specify-shape`.
 */
export function conv2d(input: Operand, filters: Operand, options: Conv2dOptions = {}): Variable {
  const [x, w] = fourAxes({ images: input, filters }) as [Variable, Variable];
  return apply1(convOp, [hinted(x, options.inputShape ?? options.imageShape), hinted(w, options.filterShape)], readParams(options));
}

/** Rows and columns, which have to be known. */
function sizeIn(shape: ShapeHint): readonly [Variable, Variable] {
  const size = shape?.slice(2) ?? [];
  if (shape?.length !== 4 || size.some((d) => d === null)) fail("value", "conv-shape", { what: "The shape of what the gradient is for needs 4 lengths, rows and columns known.", saw: [`shape: ${String(shape)}`], fix: "pass [null, null, rows, columns]" });
  return size.map((d) => asTensor(d as Length)) as unknown as readonly [Variable, Variable];
}

/**
 * The gradient of conv2d in its input: what decoders use as an upsampling convolution. `inputShape` is the shape of the result; its first two lengths
 * may be null. Errors as `conv2d`.
 */
export function conv2dGradWrtInputs(outputGrad: Operand, filters: Operand, inputShape: ShapeHint, options: ConvolveOptions & { readonly filterShape?: ShapeHint | undefined } = {}): Variable {
  const [g, w] = fourAxes({ outputs: outputGrad, filters }) as [Variable, Variable];
  return hinted(apply1(gradInputsOp, [hinted(w, options.filterShape), g, ...sizeIn(inputShape)], readParams(options)), inputShape);
}

/** The gradient of conv2d in its filters, whose shape is `filterShape`; its first two lengths may be null. Errors as `conv2d`. */
export function conv2dGradWrtWeights(input: Operand, outputGrad: Operand, filterShape: ShapeHint, options: ConvolveOptions & { readonly inputShape?: ShapeHint | undefined } = {}): Variable {
  const [x, g] = fourAxes({ images: input, outputs: outputGrad }) as [Variable, Variable];
  return hinted(apply1(gradWeightsOp, [hinted(x, options.inputShape), g, ...sizeIn(filterShape)], readParams(options)), filterShape);
}

export interface TransposeOptions extends Omit<ConvolveOptions, "subsample"> {
  readonly filterShape?: ShapeHint | undefined;
  /** From one input to the next on the output: [1, 1] by default. */
  readonly inputDilation?: Pair | undefined;
}

/** A transposed convolution: `conv2dGradWrtInputs` under the name that decoders give it (theano/tensor/nnet/abstract_conv.py conv2d_transpose). */
export const conv2dTranspose = (input: Operand, filters: Operand, outputShape: ShapeHint, { inputDilation, ...options }: TransposeOptions = {}): Variable =>
  conv2dGradWrtInputs(input, filters, outputShape, { ...options, subsample: inputDilation });

export interface SeparableOptions extends Omit<ConvolveOptions, "numGroups"> {
  readonly inputShape?: ShapeHint | undefined;
  readonly depthwiseFilterShape?: ShapeHint | undefined;
  readonly pointwiseFilterShape?: ShapeHint | undefined;
}

/**
 * Each channel convolved by filters of its own (`[channels k, 1, rows, columns]`), then all mixed at each point by `[filters, channels k, 1, 1]`
 * (theano/tensor/nnet/abstract_conv.py separable_conv2d). Errors as `conv2d`.
 */
export function separableConv2d(input: Operand, depthwiseFilters: Operand, pointwiseFilters: Operand, numChannels: number, options: SeparableOptions = {}): Variable {
  const { depthwiseFilterShape, pointwiseFilterShape, ...rest } = options;
  const deep = conv2d(input, depthwiseFilters, { ...rest, filterShape: depthwiseFilterShape, numGroups: numChannels });
  return conv2d(deep, pointwiseFilters, { filterShape: pointwiseFilterShape });
}

/**
 * An image `[rows, columns]` or several `[n, rows, columns]` convolved with one filter or several (theano/tensor/signal/conv.py): the result has an axis
 * for each list given. Errors as `conv2d`, and `conv-rank`.
 */
export function signalConv2d(input: Operand, filters: Operand, { borderMode, subsample }: Pick<ConvolveOptions, "borderMode" | "subsample"> = {}): Variable {
  const [x, w] = asTensors([input, filters]) as [Variable, Variable];
  const bad = [x, w].find((v) => v.ndim !== 2 && v.ndim !== 3);
  if (bad !== undefined) fail("type", "conv-rank", { what: `signal.conv2d() takes images and filters of 2 or 3 axes, got ${bad}.`, where: String(bad.origin), fix: "use T.nnet.conv2d for images with channels" });
  const image = x.ndim === 2 ? dimshuffle(x, "x", "x", 0, 1) : dimshuffle(x, 0, "x", 1, 2);
  const filter = w.ndim === 2 ? dimshuffle(w, "x", "x", 0, 1) : dimshuffle(w, 0, "x", 1, 2);
  const made = conv2d(image, filter, { borderMode, subsample });
  return get(made, x.ndim === 2 ? 0 : all, w.ndim === 2 ? 0 : all);
}

/** `theano.tensor.nnet.conv`, the older name. */
export const conv = { conv2d };
/** `theano.tensor.nnet.abstract_conv`. */
export const abstractConv = { conv2d, conv2dGradWrtInputs, conv2dGradWrtWeights, separableConv2d };
