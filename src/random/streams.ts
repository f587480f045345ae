/**
 * RandomStreams: Theano's shared_randomstreams, the same numbers as NumPy's RandomState for the same seed and calls. Each call takes one seed
 * from the seed generator, used or not, and makes a shared state whose default update is the state after the draw.
 * Must not know devices. mrg_streams.ts is the sister whose draws are kernels.
 */
import { type DType, toDType } from "../codegen/ir/dtype.js";
import { apply, Constant, SharedVariable, type Variable } from "../graph/variable.js";
import { asTensor, type Operand } from "../ops/define.js";
import { padLeft } from "../ops/dimshuffle.js";
import { cast } from "../ops/elementwise.js";
import { type Named, optionOf } from "../ops/options.js";
import { lengthsOf, shapeAt, type ShapeLike } from "../ops/shape.js";
import { permuteRowElements } from "../ops/sort.js";
import "../ops/shared.js";
import { fail } from "../util/fail.js";
import { drawnFrom, floatOf, type RandomVariable, type StateUpdate } from "./draw.js";
import { type MtState, seedState } from "./mt19937.js";
import type { Distribution } from "./mt_draws.js";
import { bernoulli, mtOps, pairRows } from "./mt_op.js";
import { packState } from "./mt_state.js";
import { readSize, sizeFirst, type SizeOf, withAxis } from "./size.js";
import { RandomState } from "./random_state.js";

export interface DrawOptions {
  /** Lengths as numbers and 0-d int variables, or an int vector such as `x.shape`. Without it the parameters' broadcast shape. */
  readonly size?: ShapeLike | undefined;
  /** Number of axes, where the size does not say it. */
  readonly ndim?: number | null | undefined;
  readonly dtype?: string | undefined;
}
export interface UniformOptions extends DrawOptions { readonly low?: Operand | undefined; readonly high?: Operand | undefined }
export interface NormalOptions extends DrawOptions { readonly avg?: Operand | undefined; readonly std?: Operand | undefined }
export interface BinomialOptions extends DrawOptions { readonly n?: Operand | undefined; readonly p?: Operand | undefined }
export interface MultinomialOptions extends DrawOptions { readonly n?: number | undefined; readonly pvals: Operand }
export interface PermutationOptions extends DrawOptions { readonly n: number | Variable }
export interface ChoiceOptions extends DrawOptions { readonly a: number | Variable; readonly replace?: boolean | undefined; readonly p?: Operand | undefined }

/** Marks a parameter that is a plain number: it needs no input. */
const literalOf = (x: Operand): number | null => (typeof x === "number" ? x : x instanceof Constant && x.ndim === 0 ? (x.value.data[0] as number) : null);

/**
 * Random variables drawn as NumPy's legacy generator draws them (theano.tensor.shared_randomstreams). Each variable has its own state, seeded in order
 * of creation; a state advances once per call of a function that uses it, by its default update.
 */
export class RandomStreams {
  readonly #seed: number | undefined;
  readonly #seeds: RandomState;
  readonly #updates: StateUpdate[] = [];

  /** `seed`: an integer of 0 … 2^32-1; or `{ seed }`; without it every run differs. Throws `seed-range`. */
  constructor(seed?: Named<"seed", number>) {
    this.#seed = optionOf(seed, "seed");
    this.#seeds = new RandomState(this.#seed);
  }

  /** Starts all random variables made so far again, in the order they were made, as if made after this seed; the first seed by default. */
  seed(seed: number | undefined = this.#seed): void {
    const seeds = new RandomState(seed);
    for (const [state] of this.#updates) state.setValue(packState(nextState(seeds)), { borrow: true });
  }

  /** Every state made so far with its next value, in order. */
  stateUpdates(): readonly StateUpdate[] {
    return [...this.#updates];
  }

  /** As `stateUpdates()`: what to pass to `updates` when default updates are off. */
  updates(): readonly StateUpdate[] {
    return this.stateUpdates();
  }

  #draw(name: Distribution, size: SizeOf, args: readonly Operand[], dtype: DType): RandomVariable {
    const state = new SharedVariable(packState(nextState(this.#seeds)), { name: "rng" });
    const literals = args.map(literalOf);
    const given = args.filter((_, i) => literals[i] === null).map((x) => asTensor(x));
    const params = { size: size.spec, broadcastable: size.broadcastable, dtype, args: literals };
    const [next, sample] = apply(mtOps[name], [state, ...given, ...size.inputs], params) as [Variable, Variable];
    state.defaultUpdate = next;
    const update: StateUpdate = [state, next];
    this.#updates.push(update);
    return drawnFrom(sample, update);
  }

  /** A draw whose parameters broadcast to its size. */
  #broadcast(name: Distribution, options: DrawOptions, args: readonly Operand[], dtype: DType): RandomVariable {
    const size = sizeFor(options, args);
    const rank = size.spec.lengths.length;
    return this.#draw(name, size, args.map((x) => (literalOf(x) === null ? padLeft(asTensor(x), rank) : x)), dtype);
  }

  /** Uniform on [low, high), [0, 1) by default, drawn in float64. dtype: the largest of floatX, low's and high's. */
  uniform(options?: UniformOptions): RandomVariable;
  uniform(size: ShapeLike, options?: Omit<UniformOptions, "size">): RandomVariable;
  uniform(first: ShapeLike | UniformOptions = {}, more: UniformOptions = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { low = 0, high = 1 } = options;
    return this.#broadcast("uniform", options, [low, high], floatOf(options.dtype, low, high));
  }

  /** Normal with mean avg (0) and standard deviation std (1), drawn in float64. dtype: the largest of floatX, avg's and std's. */
  normal(options?: NormalOptions): RandomVariable;
  normal(size: ShapeLike, options?: Omit<NormalOptions, "size">): RandomVariable;
  normal(first: ShapeLike | NormalOptions = {}, more: NormalOptions = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { avg = 0, std = 1 } = options;
    return this.#broadcast("normal", options, [avg, std], floatOf(options.dtype, avg, std));
  }

  /**
   * Successes in n (1) trials of probability p (0.5), as int32 unless `dtype` says otherwise. With the number 1 for n the host only makes
   * uniforms and the device compares them with p (see `bernoulli` in mt_op.ts); with other n, p is read on the host.
   */
  binomial(options?: BinomialOptions): RandomVariable;
  binomial(size: ShapeLike, options?: Omit<BinomialOptions, "size">): RandomVariable;
  binomial(first: ShapeLike | BinomialOptions = {}, more: BinomialOptions = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { n = 1, p = 0.5, dtype = "int32" } = options;
    if (literalOf(n) !== 1) return castAs(this.#broadcast("binomial", options, [n, p], "int32"), dtype);
    const size = sizeFor(options, [p]);
    const pair = this.#draw("bernoulliPair", withAxis(size, 2, "first"), [], floatOf(undefined, p));
    return drawnFrom(cast(bernoulli(...pairRows(pair), p), dtype), pair.update);
  }

  /** Integers from low (0) to high (1), both included, as int32 unless `dtype` says otherwise. */
  randomIntegers(options?: UniformOptions): RandomVariable;
  randomIntegers(size: ShapeLike, options?: Omit<UniformOptions, "size">): RandomVariable;
  randomIntegers(first: ShapeLike | UniformOptions = {}, more: UniformOptions = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { low = 0, high = 1, dtype = "int32" } = options;
    return castAs(this.#broadcast("randomIntegers", options, [low, high], "int32"), dtype);
  }

  /** Counts of n (1) trials over the last axis of pvals: shape (...size, pvals.shape[-1]). pvals has one axis, or the size's and one more. */
  multinomial({ n = 1, pvals, size, ndim, dtype = "int32" }: MultinomialOptions): RandomVariable {
    const ps = asTensor(pvals);
    const lengths = size === undefined ? readSize(lengthsOf(ps).slice(0, -1)) : readSize(size, ndim);
    const full = withAxis(lengths, shapeAt(ps, ps.ndim - 1), "last");
    return castAs(this.#draw("multinomial", full, [n, padLeft(ps, full.spec.lengths.length)], "int32"), dtype);
  }

  /** Random orders of 0 … n-1: shape (...size, n), one order without a size. */
  permutation({ n, size = [], ndim, dtype = "int32" }: PermutationOptions): RandomVariable {
    return castAs(this.#draw("permutation", withAxis(readSize(size, ndim), n, "last"), [], "int32"), dtype);
  }

  /** Integers below a, with the probabilities p (a vector) or equal ones, with replacement unless `replace` is false. */
  choice({ a, p, replace = true, size = [], ndim, dtype = "int32" }: ChoiceOptions): RandomVariable {
    return castAs(this.#draw(replace ? "choice" : "choiceWithout", readSize(size, ndim), p === undefined ? [a] : [a, asTensor(p)], "int32"), dtype);
  }

  /** x with each row (its last axis) in a random order; `.permutation` of the result is the draw of these orders. */
  shuffleRowElements(x: Operand): RandomVariable & { readonly permutation: RandomVariable } {
    const v = asTensor(x);
    const permutation = this.permutation({ size: lengthsOf(v).slice(0, -1), n: shapeAt(v, v.ndim - 1) });
    return Object.assign(drawnFrom(permuteRowElements(v, permutation), permutation.update), { permutation });
  }
}

const nextState = (seeds: RandomState): MtState => seedState(seeds.randint(2 ** 30));

/** The draw in another dtype, still with its state. */
function castAs(draw: RandomVariable, dtype: string): RandomVariable {
  return toDType(dtype) === draw.dtype ? draw : drawnFrom(cast(draw, dtype), draw.update);
}

/** The size asked for, or the shape that the parameters have together. Throws `random-rank` when a parameter has more axes. */
function sizeFor({ size, ndim }: DrawOptions, args: readonly Operand[]): SizeOf {
  const arrays = args.filter((x) => literalOf(x) === null).map((x) => asTensor(x));
  const rank = Math.max(0, ...arrays.map((v) => v.ndim));
  if (size === undefined) return readSize(Array.from({ length: rank }, (_, a) => commonLength(arrays, rank, a)), ndim);
  const made = readSize(size, ndim);
  const wide = arrays.find((v) => v.ndim > made.spec.lengths.length);
  if (wide) {
    fail("value", "random-rank", { what: `A random variable of ${made.spec.lengths.length} axes has a parameter of ${wide.ndim}: ${wide}.`, where: String(wide.origin), fix: "give a size of the parameter's rank, or leave the size out" });
  }
  return made;
}

function commonLength(arrays: readonly Variable[], rank: number, axis: number): number | Variable {
  const own = arrays.map((v) => ({ v, a: axis - (rank - v.ndim) })).find(({ v, a }) => a >= 0 && !v.broadcastable[a]);
  return own === undefined ? 1 : shapeAt(own.v, own.a);
}
