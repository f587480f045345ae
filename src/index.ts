/**
 * damo's front door: everything users, models and examples import. Registers the devices; contains no logic.
 */
import { grad } from "./autodiff/grad.js";
import { hessianVectorProduct, Lop, Rop } from "./autodiff/rop.js";
import { verifyGrad } from "./autodiff/verify.js";
import { registerBackend } from "./codegen/backend.js";
import { gpujsFactories } from "./codegen/gpujs/index.js";
import { referenceFactory } from "./codegen/reference/backend.js";
import { wasmFactory } from "./codegen/wasm/index.js";
import { In as Input, type InOptions } from "./compile/arguments.js";
import "./compile/eval.js";
import type { Variable } from "./graph/variable.js";
import * as linalg from "./numpy/decompositions.js";
import * as numpyFunctions from "./numpy/index.js";
import { alloc, arange, eye, identityLike, ones, onesLike, zeros, zerosLike } from "./ops/alloc.js";
import { argmax, argmin, maxAndArgmax } from "./ops/argmax.js";
import * as bins from "./ops/bins.js";
import * as closeness from "./ops/closeness.js";
import { signalConv2d } from "./ops/convolutions.js";
import { cumprod, cumsum, diff } from "./ops/cumulate.js";
import * as diagonals from "./ops/diagonal.js";
import { dimshuffle, transpose } from "./ops/dimshuffle.js";
import { batchedDot, dot, outer } from "./ops/dot.js";
import * as elementwise from "./ops/elementwise.js";
import * as erfInverse from "./ops/erf_inverse.js";
import * as grids from "./ops/grids.js";
import * as identities from "./ops/identities.js";
import { constant, inputMakers, tensor, TensorType } from "./ops/inputs.js";
import { asTensorVariable, concatenate, horizontalStack, join, split, stack, stacklists, verticalStack } from "./ops/join.js";
import * as math from "./ops/math.js";
import * as nlinalg from "./ops/nlinalg.js";
import * as nnetOps from "./ops/nnet.js";
import { downsample, pool } from "./ops/pooling.js";
import { addbroadcast, patternBroadcast, unbroadcast } from "./ops/rebroadcast.js";
import * as reduce from "./ops/reduce.js";
import { flatten, ravel, reshape, shapePadaxis, shapePadleft, shapePadright, squeeze, swapaxes } from "./ops/reshape.js";
import { roll } from "./ops/roll.js";
import { compress, flatnonzero, nonzero, nonzeroValues, take } from "./ops/selection.js";
import { incSubtensor, setSubtensor } from "./ops/set_subtensor.js";
import { shape } from "./ops/shape.js";
import * as slinalg from "./ops/slinalg.js";
import * as sorting from "./ops/sort.js";
import * as special from "./ops/special.js";
import { specifyShape } from "./ops/specify_shape.js";
import * as statistics from "./ops/statistics.js";
import { batchedTensordot, tensordot } from "./ops/tensordot.js";
import { repeat, tile } from "./ops/tile.js";
import { pool3d } from "./ops/volumes.js";
import * as xlogx from "./ops/xlogx.js";
import { RandomState } from "./random/random_state.js";
import { hessian, jacobian } from "./scan/jacobian.js";

registerBackend(referenceFactory);
registerBackend(wasmFactory);
for (const factory of gpujsFactories) registerBackend(factory);

const { sum, prod, max, min, any, all } = reduce;

/** Tensor functions and variable makers, as `theano.tensor`; `T.nnet` as `theano.tensor.nnet`. */
export const T = {
  ...inputMakers, tensor, TensorType, constant, asTensorVariable, grad, jacobian, hessian, Rop, Lop, tensorCopy: identities.tensorCopy,
  ...elementwise, trueDiv: elementwise.div, intDiv: elementwise.floorDiv, power: math.pow, bitwiseAnd: elementwise.and_, bitwiseOr: elementwise.or_, bitwiseXor: elementwise.xor, bitwiseNot: elementwise.invert, abs_: elementwise.abs, square: elementwise.sqr, switch: elementwise.switch_, second: elementwise.fill,
  ...math, ...special, ...erfInverse,
  sum, prod, max, min, any, all, argmax, argmin, maxAndArgmax, mean: statistics.mean, var: statistics.variance, std: statistics.std,
  norm: statistics.norm, ptp: statistics.ptp, smallest: statistics.smallest, largest: statistics.largest, cumsum, cumprod, diff, ...bins, ...sorting, ...diagonals, ...grids,
  nonzero, flatnonzero, nonzeroValues, take, compress, roll,
  dot, batchedDot, outer, tensordot, batchedTensordot, dimshuffle, transpose, shape, specifyShape, reshape, flatten, ravel, squeeze, swapaxes, shapePadleft, shapePadright, shapePadaxis, addbroadcast, patternBroadcast, patternbroadcast: patternBroadcast, unbroadcast,
  alloc, zeros, ones, zerosLike, onesLike, eye, identityLike, arange, join, concatenate, stack, stacklists, horizontalStack, verticalStack, split, tile, repeat, setSubtensor, incSubtensor,
  nnet: nnetOps, nlinalg, slinalg, signal: { pool: { ...pool, pool3d }, downsample: { ...downsample, maxPool3d: pool3d }, conv: { conv2d: signalConv2d } }, xlogx, ...closeness,
};

const { zeroGrad, considerConstant, disconnectedGrad, undefinedGrad, gradClip, gradScale } = identities;

/** Derivatives, and functions that change gradients and not values, as `theano.gradient`. */
export const gradient = { grad, Rop, Lop, jacobian, hessian, hessianVectorProduct, verifyGrad, zeroGrad, considerConstant, disconnectedGrad, undefinedGrad, gradClip, gradScale };

/** The few NumPy functions that tutorials call, those of numpy.linalg, and NumPy's legacy random streams. */
export const numpy = { ...numpyFunctions, linalg, random: { RandomState } };

/** An input of compile() with a default value, a name for calls, or `allowDowncast`: `In(lr, { value: 0.1 })`. */
export const In = (variable: Variable, options: InOptions = {}): Input => new Input(variable, options);
export type In = Input;

export { grad } from "./autodiff/grad.js";
export { OpFromGraph, type OpFromGraphOptions, type OpMadeFromGraph } from "./autodiff/op_from_graph.js";
export { verifyGrad } from "./autodiff/verify.js";
export type { Argument, InOptions } from "./compile/arguments.js";
export { compile, type CompiledFunction, type CompileOptions, type Result, type Results } from "./compile/compile.js";
export type { CopyOptions } from "./compile/copy.js";
export type { Given } from "./compile/eval.js";
export type { HostBuffer, Routine } from "./codegen/ir/plan.js";
export { closeDevices } from "./compile/devices.js";
export type { Explanation } from "./compile/explain.js";
export { type ComputedThunk, detectNan, MonitorMode, type MonitorOptions, NanGuardMode, type NanGuardOptions, type Thunk } from "./compile/modes.js";
export { type ProfileRow, ProfileStats, type SummaryOptions } from "./compile/profile.js";
export { type DataPair, type Datasets, loadData, type LoadOptions } from "./data/load.js";
export { type ArrayFile, type Json, loadArrays, type Meta, saveArrays } from "./data/model_file.js";
export { loadPickle, type PickleValue } from "./data/pickle.js";
export { encodePng, savePng } from "./data/png.js";
export { clone, type CloneOptions } from "./graph/clone.js";
export type { GradientContext, InputGradient, LowerContext, Lowering, Op, OpFields, Params, Sample, ShapeContext } from "./graph/op.js";
export { p as pattern, patternRule, type Rule } from "./graph/rule.js";
export { TensorType } from "./graph/types.js";
export { Updates } from "./graph/updates.js";
export { Apply, apply, Constant, SharedVariable, Variable } from "./graph/variable.js";
export { type ArrayLike, NdArray } from "./numpy/ndarray.js";
export { defineOp, type Operand } from "./ops/define.js";
export { defineElementwise, element, type ElementwiseDefinition } from "./ops/element.js";
export { ifelse } from "./ops/ifelse.js";
export type { Index } from "./ops/indexing.js";
export { Print, type PrintAttribute, type PrintFunction, type PrintOptions } from "./ops/print.js";
export * as scalar from "./ops/scalar.js";
export { shared } from "./ops/shared.js";
export { all, ellipsis, newAxis, Slice, slice } from "./ops/slices.js";
export { MRGRandomStreams } from "./random/mrg_streams.js";
export type { RandomState } from "./random/random_state.js";
export { RandomStreams } from "./random/streams.js";
export { registerRule } from "./rewrite/rules.js";
export { scan } from "./scan/scan.js";
export { until } from "./scan/step.js";
export { foldl, foldr, map, reduce } from "./scan/views.js";
export { config } from "./util/config.js";
export { debugprint, type DebugprintOptions, pp, pydotprint, type PydotprintOptions } from "./viz/index.js";
export * from "./util/fail.js";
