/**
 * conv2d and its gradients in images and in filters (theano/tensor/nnet/abstract_conv.py AbstractConv2d, _gradInputs, _gradWeights): three records,
 * each differentiable by the others. All expand to one correlation of images that were put on a grid of zeros where there are borders or strides.
 * Next: convolutions.ts has what users call.
 */
import type { DType } from "../codegen/ir/dtype.js";
import type { InputGradient, Op, OpFields, Sample, ShapeContext } from "../graph/op.js";
import { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { type ConvParams, eachProduct, type Geometry, geometryOf, minus, padsOf, plus, reach, refuse } from "./conv_geometry.js";
import { correlate } from "./correlate.js";
import { defineOp } from "./define.js";
import { dilate } from "./dilate.js";
import { boundDims, givenDims } from "./dims.js";
import { dimshuffle } from "./dimshuffle.js";
import { productDType } from "./dot.js";
import { floorDiv, mul } from "./elementwise.js";
import { get } from "./indexing.js";
import { patternBroadcast } from "./rebroadcast.js";
import { reshape } from "./reshape.js";
import { type Length, lengthsOf, shapeAt } from "./shape.js";
import { all, slice } from "./slices.js";

type Fields = OpFields<ConvParams>;
type Reference = Fields["reference"];

/** Rows and columns of an image, symbolic. */
const sizeOf2d = (x: Variable): readonly [Variable, Variable] => [shapeAt(x, -2), shapeAt(x, -1)];
const perAxis = <E>(f: (axis: 0 | 1) => E): readonly [E, E] => [f(0), f(1)];
const turned = (w: Variable): Variable => get(w, all, all, slice(null, null, -1), slice(null, null, -1));

/** Splits axis 0 or 1 into groups and what is left of it, where there are several. */
function grouped(x: Variable, axis: 0 | 1, groups: number): Variable {
  const lengths = lengthsOf(x);
  return groups === 1 ? x : reshape(x, [...lengths.slice(0, axis), groups, floorDiv(lengths[axis] as Variable, groups), ...lengths.slice(axis + 1)]);
}

/** The way back: axes `axis` and `axis + 1` of five as one. */
function joined(x: Variable, axis: 0 | 1, groups: number): Variable {
  const lengths = lengthsOf(x);
  return groups === 1 ? x : reshape(x, [...lengths.slice(0, axis), mul(lengths[axis] as Variable, lengths[axis + 1] as Variable), ...lengths.slice(axis + 2)]);
}

/** Axes in another order: 0 and 1 exchanged, or, with groups, `order` and then rows and columns. */
const exchanged = (x: Variable, order: readonly [number, number, number]): Variable => dimshuffle(x, ...(x.ndim === 4 ? [1, 0, 2, 3] : [...order, 3, 4]));

const isBare = (p: ConvParams): boolean => p.border.every((side) => typeof side !== "string" && side[0] === 0 && side[1] === 0);
const padsAt = (p: ConvParams, kernel: readonly [Length, Length], axis: 0 | 1): readonly [Length, Length] => padsOf(p.border[axis], kernel[axis], p.dilation[axis]);

/** Images with their borders. */
function bordered(x: Variable, kernel: readonly [Length, Length], p: ConvParams): Variable {
  if (isBare(p)) return x;
  const size = sizeOf2d(x);
  return dilate(x, { size: perAxis((a) => padsAt(p, kernel, a).reduce<Length>(plus, size[a])), low: perAxis((a) => padsAt(p, kernel, a)[0]), spacing: [1, 1] });
}

function convolved(x: Variable, w: Variable, p: ConvParams): Variable {
  const filters = p.flip ? turned(w) : w;
  const made = correlate(grouped(bordered(x, sizeOf2d(w), p), 1, p.groups), grouped(filters, 0, p.groups), { stride: p.subsample, dilation: p.dilation, first: "images" });
  return joined(made, 1, p.groups);
}

/** Each output spread over what its filter touched: a correlation, by filters turned the other way, of outputs with zeros between and around them. */
function spreadBack(w: Variable, g: Variable, size: readonly [Variable, Variable], p: ConvParams): Variable {
  const kernel = sizeOf2d(w);
  const margin = perAxis((a) => reach(kernel[a], p.dilation[a]));
  const grid = dilate(g, { size: perAxis((a) => plus(size[a], margin[a])), low: perAxis((a) => minus(margin[a], padsAt(p, kernel, a)[0])), spacing: p.subsample });
  const filters = exchanged(grouped(p.flip ? w : turned(w), 0, p.groups), [0, 2, 1]);
  return joined(correlate(grouped(grid, 1, p.groups), filters, { stride: [1, 1], dilation: p.dilation, first: "images" }), 1, p.groups);
}

/** Images correlated with the outputs' gradients, batch and channels having changed places. */
function weighed(x: Variable, g: Variable, kernel: readonly [Variable, Variable], p: ConvParams): Variable {
  const whole = bordered(x, kernel, p);
  const out = sizeOf2d(g);
  // What the last steps of a stride leave over is touched by no filter.
  const touched = (a: 0 | 1): Length => plus(plus(reach(out[a], p.subsample[a]), reach(kernel[a], p.dilation[a])), 1);
  const images = p.subsample.some((s) => s > 1) ? get(whole, all, all, ...perAxis((a) => slice(0, touched(a)))) : whole;
  const [stacks, outputs] = [exchanged(grouped(images, 1, p.groups), [2, 1, 0]), exchanged(grouped(g, 1, p.groups), [1, 2, 0])];
  const filters = joined(correlate(stacks, outputs, { stride: p.dilation, dilation: p.subsample, first: "filters" }), 0, p.groups);
  return p.flip ? turned(filters) : filters;
}

/** A reference that adds up products at the positions of `eachProduct`. */
function summing(shape: Shape, type: TensorType, g: Geometry, p: ConvParams, term: (out: number, image: number, weight: number) => readonly [number, number]): NdArray {
  const made = NdArray.zeros(shape, "float64");
  eachProduct(g, p, (...at) => {
    const [to, product] = term(...at);
    made.data[to] = (made.data[to] as number) + product;
  });
  return made.astype(type.dtype);
}

const elements = (x: NdArray | undefined): readonly number[] => x?.data as unknown as readonly number[];
const times = (x: NdArray | undefined, y: NdArray | undefined) => (i: number, j: number): number => (elements(x)[i] as number) * (elements(y)[j] as number);

const convReference: Reference = ([x, w], p, [type]) => {
  const [images, filters] = [(x as NdArray).shape, (w as NdArray).shape];
  const g = geometryOf(images, filters, p, refuse);
  const product = times(x, w);
  return [summing([g.batch, filters[0] as number, ...g.out], type as TensorType, g, p, (o, i, k) => [o, product(i, k)])];
};

const inputsReference: Reference = ([w, out, ...size], p, [type]) => {
  const filters = (w as NdArray).shape;
  const shape = [(out as NdArray).shape[0] as number, (filters[1] as number) * p.groups, ...givenDims([null, null], size)];
  const product = times(out, w);
  return [summing(shape, type as TensorType, geometryOf(shape, filters, p, refuse), p, (o, i, k) => [i, product(o, k)])];
};

const weightsReference: Reference = ([x, out, ...size], p, [type]) => {
  const images = (x as NdArray).shape;
  const shape = [(out as NdArray).shape[1] as number, (images[1] as number) / p.groups, ...givenDims([null, null], size)];
  const product = times(x, out);
  return [summing(shape, type as TensorType, geometryOf(images, shape, p, refuse), p, (o, i, k) => [k, product(i, o)])];
};

/** Flags of a result whose first axes are those of two inputs. */
const flagged = (dtype: DType, first: boolean | undefined, second: boolean | undefined): TensorType => new TensorType(dtype, [first === true, second === true, false, false]);
const dtypeOf = (types: readonly TensorType[]): DType => productDType((types[0] as TensorType).dtype, (types[1] as TensorType).dtype);
const like = (made: Variable, x: Variable): Variable => patternBroadcast(made, x.broadcastable);
const NO_LENGTHS: readonly InputGradient[] = ["disconnected", "disconnected"];

const PLAIN: ConvParams = { border: [[0, 0], [0, 0]], subsample: [1, 1], dilation: [1, 1], flip: true, groups: 1 };
const CASES: readonly { readonly x: Shape; readonly w: Shape; readonly p?: Partial<ConvParams> }[] = [
  { x: [2, 2, 4, 5], w: [3, 2, 2, 3] },
  { x: [1, 1, 3, 3], w: [2, 1, 3, 3], p: { flip: false } },
  { x: [2, 1, 3, 4], w: [2, 1, 2, 3], p: { border: ["full", "full"] } },
  { x: [1, 2, 4, 3], w: [1, 2, 3, 2], p: { border: ["half", "half"], flip: false } },
  { x: [1, 1, 6, 7], w: [2, 1, 2, 3], p: { subsample: [2, 3] } },
  { x: [1, 1, 5, 4], w: [1, 1, 3, 2], p: { border: [[2, 0], [1, 3]], subsample: [2, 2] } },
  { x: [1, 2, 6, 5], w: [1, 2, 2, 2], p: { dilation: [3, 2], border: [[1, 1], [0, 0]] } },
  { x: [2, 4, 3, 3], w: [2, 2, 2, 2], p: { groups: 2, subsample: [1, 2], border: [[3, 1], [0, 1]] } },
];

const params = (p: Partial<ConvParams> | undefined): ConvParams => ({ ...PLAIN, ...p });
const float = (shape: Shape): Sample<ConvParams>["inputs"][number] => ({ dtype: "float64", shape });
const length = (n: number | undefined): Sample<ConvParams>["inputs"][number] => ({ dtype: "int32", shape: [], exact: [n as number] });
const outShape = (x: Shape, w: Shape, p: ConvParams, report: Parameters<typeof geometryOf>[3] = refuse): Shape => [x[0] as number, w[0] as number, ...geometryOf(x, w, p, report).out];
/** Rows and columns that are inputs 2 and 3. */
const sizeIn = (ctx: ShapeContext<ConvParams>): number[] => boundDims(ctx, [null, null], 2);

export const convOp: Op = defineOp<ConvParams>({
  name: "conv2d",
  doc: "Images [n, channels, rows, columns] convolved with filters [filters, channels / groups, rows, columns], or correlated where they are not turned (`flip`). Channels that differ: `conv-channels`; filters larger than images with their borders: `conv-size`.",
  infer: (types) => [flagged(dtypeOf(types), types[0]?.broadcastable[0], types[1]?.broadcastable[0])],
  shape: ({ shapes: [x, w], params: p, fail }) => [outShape(x as Shape, w as Shape, p, fail)],
  lower: { kind: "graph", expand: ([x, w], p) => [convolved(x as Variable, w as Variable, p)] },
  gradient: ({ inputs: [x, w], params: p, cotangents: [g] }) => {
    const [image, filter, out] = [x as Variable, w as Variable, g as Variable];
    return [like(apply1(gradInputsOp, [filter, out, ...sizeOf2d(image)], p), image), like(apply1(gradWeightsOp, [image, out, ...sizeOf2d(filter)], p), filter)];
  },
  reference: convReference,
  samples: [
    ...CASES.map(({ x, w, p }) => ({ inputs: [float(x), float(w)], params: params(p) })),
    { inputs: [{ ...float([1, 1, 3, 3]), broadcastable: [true, true, false, false] }, { ...float([1, 1, 2, 2]), broadcastable: [true, true, false, false] }], params: PLAIN },
    { inputs: [{ dtype: "int32", shape: [1, 1, 3, 3] }, { dtype: "int32", shape: [1, 1, 2, 2] }], params: PLAIN },
  ],
  onnx: "Conv",
});

export const gradInputsOp: Op = defineOp<ConvParams>({
  name: "conv2dGradInputs",
  doc: "The gradient of conv2d in its images: from filters, the gradient of its result, and the images' rows and columns (two integers).",
  infer: (types, { groups }) => [flagged(dtypeOf(types), types[1]?.broadcastable[0], groups === 1 && types[0]?.broadcastable[1])],
  shape: (ctx) => [[ctx.shapes[1]?.[0] as number, (ctx.shapes[0]?.[1] as number) * ctx.params.groups, ...sizeIn(ctx)]],
  lower: { kind: "graph", expand: ([w, g, height, width], p) => [spreadBack(w as Variable, g as Variable, [height as Variable, width as Variable], p)] },
  gradient: ({ inputs: [w, g], params: p, cotangents: [c] }) => {
    const [filter, out, image] = [w as Variable, g as Variable, c as Variable];
    return [like(apply1(gradWeightsOp, [image, out, ...sizeOf2d(filter)], p), filter), like(apply1(convOp, [image, filter], p), out), ...NO_LENGTHS];
  },
  reference: inputsReference,
  samples: CASES.map(({ x, w, p }) => ({ inputs: [float(w), float(outShape(x, w, params(p))), length(x[2]), length(x[3])], params: params(p) })),
  onnx: "ConvTranspose",
});

export const gradWeightsOp: Op = defineOp<ConvParams>({
  name: "conv2dGradWeights",
  doc: "The gradient of conv2d in its filters: from images, the gradient of its result, and the filters' rows and columns (two integers).",
  infer: (types, { groups }) => [flagged(dtypeOf(types), groups === 1 && types[1]?.broadcastable[1], groups === 1 && types[0]?.broadcastable[1])],
  shape: (ctx) => [[ctx.shapes[1]?.[1] as number, (ctx.shapes[0]?.[1] as number) / ctx.params.groups, ...sizeIn(ctx)]],
  lower: { kind: "graph", expand: ([x, g, height, width], p) => [weighed(x as Variable, g as Variable, [height as Variable, width as Variable], p)] },
  gradient: ({ inputs: [x, g], params: p, cotangents: [c] }) => {
    const [image, out, filter] = [x as Variable, g as Variable, c as Variable];
    return [like(apply1(gradInputsOp, [filter, out, ...sizeOf2d(image)], p), image), like(apply1(convOp, [image, filter], p), out), ...NO_LENGTHS];
  },
  reference: weightsReference,
  samples: CASES.map(({ x, w, p }) => ({ inputs: [float(x), float(outShape(x, w, params(p))), length(w[2]), length(w[3])], params: params(p) })),
});
