/**
 * RandomState: NumPy's `np.random.RandomState` on the host, the same numbers bit for bit for the same seed and calls
 * (normal and exponential draws up to the last bits of the C library's logarithm, see legacy.ts).
 * Without `size` a method returns a number, with it an NdArray (float64, or int32 for counts and integers).
 * Must not know graphs; streams.ts builds Theano's RandomStreams from it.
 */
import { castScalar } from "../codegen/ir/dtype.js";
import { take } from "../numpy/arrange.js";
import { asarray } from "../numpy/convert.js";
import { shapeOf, type Size } from "../numpy/create.js";
import { broadcastShapes, broadcastTo } from "../numpy/elementwise.js";
import { type ArrayLike, NdArray, type Shape, sizeOf } from "../numpy/ndarray.js";
import { fail } from "../util/fail.js";
import { isRecord } from "../util/record.js";
import { choiceIndices } from "./choice.js";
import { fillBinomial, fillExponential, fillMultinomial, fillNormal, fillUniform, nextRandint, type Param, permutationOf, shuffleWith } from "./legacy.js";
import { cloneState, copyState, entropyState, type MtState, seedState, seedStateFromArray } from "./mt19937.js";
import { MT_STATE_SIZE, packState, readState } from "./mt_state.js";

export interface SizeOption { readonly size?: Size | undefined }
export interface UniformOptions extends SizeOption { readonly low?: ArrayLike | undefined; readonly high?: ArrayLike | undefined }
export interface NormalOptions extends SizeOption { readonly loc?: ArrayLike | undefined; readonly scale?: ArrayLike | undefined }
export interface ExponentialOptions extends SizeOption { readonly scale?: ArrayLike | undefined }
export interface BinomialOptions extends SizeOption { readonly n?: ArrayLike | undefined; readonly p: ArrayLike }
export interface IntegerOptions extends SizeOption { readonly low: number; readonly high?: number | undefined }
export interface ChoiceOptions extends SizeOption { readonly replace?: boolean | undefined; readonly p?: ArrayLike | undefined }

/** An NdArray if a size or an array parameter was given, else a number. */
type Drawn<O> = O extends { readonly size: Size } ? NdArray : O extends { readonly [K in "low" | "high" | "loc" | "scale" | "n" | "p"]?: number } ? number : NdArray;
type DrawnOf<A, B, O> = [A, B] extends [number, number] ? (O extends { readonly size: Size } ? NdArray : number) : NdArray;

/** An options type that was inferred, without names that do not exist. */
type Only<O, Known> = O & { readonly [K in Exclude<keyof O, keyof Known>]: never };
type DrawnInt<O> = O extends { readonly size: Size } ? NdArray : number;

/** Parameters by position, the others by name in one last record, as Python takes them. */
function read<O extends object>(names: readonly (keyof O & string)[], args: readonly unknown[]): O {
  const last = args.at(-1);
  const named = isRecord(last) ? last : null;
  const given = named ? args.slice(0, -1) : args;
  return { ...named, ...Object.fromEntries(given.flatMap((v, i) => (v === undefined ? [] : [[names[i], v]]))) } as O;
}

interface Params {
  readonly shape: Shape;
  /** No size and no array parameter: the result is a number. */
  readonly scalar: boolean;
  readonly values: readonly Param[];
}

/** Broadcasts parameters to the size, or to each other without one. Throws `np-broadcast`, `np-broadcast-to`. */
function paramsOf(size: Size | undefined, params: readonly ArrayLike[]): Params {
  const arrays = params.map((p) => (typeof p === "number" ? p : asarray(p, { dtype: "float64" })));
  const own = arrays.reduce<readonly number[]>((shape, p) => (typeof p === "number" ? shape : broadcastShapes(shape, p.shape)), []);
  const shape = size === undefined ? own : shapeOf(size);
  const values = arrays.map((p) => (typeof p === "number" ? p : (broadcastTo(p, shape).data as Float64Array)));
  return { shape, scalar: size === undefined && arrays.every((p) => typeof p === "number"), values };
}

function finish(data: Float64Array | Int32Array, { shape, scalar }: Pick<Params, "shape" | "scalar">): number | NdArray {
  return scalar ? (data[0] as number) : new NdArray(data, shape, data instanceof Int32Array ? "int32" : "float64");
}

/**
 * NumPy's legacy generator, `numpy.random.RandomState`: the same numbers, bit for bit, from the same seed and calls. Floats are float64, integers int32.
 * Parameters come by position, by name, or by position and then by name: `r.uniform(-1, 1, { size: [2, 3] })`.
 */
export class RandomState {
  private readonly state: MtState;

  /** Seeds as NumPy does: an integer of 0 … 2^32-1, an array of them, or nothing for a state that differs each time. Throws `seed-range`, `seed-empty`. */
  constructor(seed?: number | readonly number[]) {
    this.state = RandomState.stateOf(seed);
  }

  /** The record that `new RandomState(seed)` starts with. */
  static stateOf(seed?: number | readonly number[]): MtState {
    if (seed === undefined) return entropyState();
    return typeof seed === "number" ? seedState(seed) : seedStateFromArray(seed);
  }

  /** The generator whose state a random variable holds: `RandomState.unpack(await rv.rng.getValue())`. Throws `random-state-words`. */
  static unpack(words: NdArray): RandomState {
    if (words.size !== MT_STATE_SIZE) fail("value", "random-state-words", { what: `${words} is no state of a generator.`, fix: "pass the value of a RandomStreams variable's `rng`" });
    const made = new RandomState(0);
    made.setState(readState(words.data));
    return made;
  }

  /** The state as a random variable holds it: `rv.rng.setValue(r.pack())`. */
  pack(): NdArray {
    return packState(this.state);
  }

  /** Starts again from a seed. */
  seed(seed?: number | readonly number[]): void {
    copyState(RandomState.stateOf(seed), this.state);
  }

  /** A copy of the state: key, pos, hasGauss, gauss. */
  getState(): MtState {
    return cloneState(this.state);
  }

  setState(state: MtState): void {
    copyState(state, this.state);
  }

  private floats(size: Size | undefined, params: readonly ArrayLike[], fill: (p: readonly Param[], out: Float64Array) => void): number | NdArray {
    const at = paramsOf(size, params);
    const out = new Float64Array(sizeOf(at.shape));
    fill(at.values, out);
    return finish(out, at);
  }

  /** Uniform over [low, high), [0, 1) by default: `uniform({ low, high, size })`. Throws `uniform-range`. */
  uniform<const O extends UniformOptions = Record<never, never>>(options?: Only<O, UniformOptions>): Drawn<O>;
  uniform<A extends ArrayLike, B extends ArrayLike, const O extends SizeOption = Record<never, never>>(low: A, high: B, options?: Only<O, SizeOption>): DrawnOf<A, B, O>;
  uniform(low: ArrayLike, high: ArrayLike, size: Size): NdArray;
  uniform(...args: readonly unknown[]): number | NdArray {
    const o = read<UniformOptions>(["low", "high", "size"], args);
    return this.floats(o.size, [o.low ?? 0, o.high ?? 1], (p, out) => fillUniform(this.state, p[0] as Param, p[1] as Param, out));
  }

  /** Normal with mean loc (0) and standard deviation scale (1): `normal({ loc, scale, size })`. Throws `normal-scale`. */
  normal<const O extends NormalOptions = Record<never, never>>(options?: Only<O, NormalOptions>): Drawn<O>;
  normal<A extends ArrayLike, B extends ArrayLike, const O extends SizeOption = Record<never, never>>(loc: A, scale: B, options?: Only<O, SizeOption>): DrawnOf<A, B, O>;
  normal(loc: ArrayLike, scale: ArrayLike, size: Size): NdArray;
  normal(...args: readonly unknown[]): number | NdArray {
    const o = read<NormalOptions>(["loc", "scale", "size"], args);
    return this.floats(o.size, [o.loc ?? 0, o.scale ?? 1], (p, out) => fillNormal(this.state, p[0] as Param, p[1] as Param, out));
  }

  /** Exponential of mean scale (1). Throws `exponential-scale`. */
  exponential<const O extends ExponentialOptions = Record<never, never>>(options?: Only<O, ExponentialOptions>): Drawn<O>;
  exponential(options: ExponentialOptions = {}): number | NdArray {
    return this.floats(options.size, [options.scale ?? 1], (p, out) => fillExponential(this.state, p[0] as Param, out));
  }

  /** Uniform over [0, 1) of a size; a number without one. */
  randomSample(): number;
  randomSample(size: Size): NdArray;
  randomSample(size?: Size): number | NdArray {
    return this.uniform({ size }) as number | NdArray;
  }

  /** NumPy's other name of `randomSample`. */
  random(): number;
  random(size: Size): NdArray;
  random(size?: Size): number | NdArray {
    return this.uniform({ size }) as number | NdArray;
  }

  /** Uniform over [0, 1) of shape `dims`; a number without them. */
  rand(): number;
  rand(first: number, ...dims: number[]): NdArray;
  rand(...dims: number[]): number | NdArray {
    return this.uniform({ size: dims.length === 0 ? undefined : dims }) as number | NdArray;
  }

  /** Standard normal of a size; a number without one. */
  standardNormal(): number;
  standardNormal(size: Size): NdArray;
  standardNormal(size?: Size): number | NdArray {
    return this.normal({ size }) as number | NdArray;
  }

  /** Standard normal of shape `dims`; a number without them. */
  randn(): number;
  randn(first: number, ...dims: number[]): NdArray;
  randn(...dims: number[]): number | NdArray {
    return this.normal({ size: dims.length === 0 ? undefined : dims }) as number | NdArray;
  }

  /**
   * Integers of low … high-1: `randint(high)` (from 0), `randint(low, high)`, `randint(high, { size })`, `randint({ low, high, size })`.
   * Numbers may go to 2^53, arrays hold int32. Throws `randint-range`, `randint-int32`.
   */
  randint<const O extends IntegerOptions>(options: Only<O, IntegerOptions>): DrawnInt<O>;
  randint<const O extends SizeOption = Record<never, never>>(high: number, options?: Only<O, SizeOption>): DrawnInt<O>;
  randint<const O extends SizeOption = Record<never, never>>(low: number, high: number | undefined, options?: Only<O, SizeOption>): DrawnInt<O>;
  randint(low: number, high: number, size: Size): NdArray;
  randint(...args: readonly unknown[]): number | NdArray {
    const { low, high, size } = read<IntegerOptions>(["low", "high", "size"], args);
    const [from, to] = high === undefined ? [0, low] : [low, high];
    if (size === undefined) return nextRandint(this.state, from, to);
    if (castScalar(from, "int32") !== from || castScalar(to - 1, "int32") !== to - 1) {
      fail("value", "randint-int32", { what: `An array of integers between ${from} and ${to - 1} does not fit int32.`, fix: "draw single numbers (no size), or bounds within -2^31 … 2^31" });
    }
    const out = new Int32Array(sizeOf(shapeOf(size)));
    for (let i = 0; i < out.length; i++) out[i] = nextRandint(this.state, from, to);
    return finish(out, { shape: shapeOf(size), scalar: false });
  }

  /** Integers of low … high, both included, called as `randint` is; `randomIntegers(high)` starts at 1 (NumPy's `random_integers`). */
  randomIntegers<const O extends IntegerOptions>(options: Only<O, IntegerOptions>): DrawnInt<O>;
  randomIntegers<const O extends SizeOption = Record<never, never>>(high: number, options?: Only<O, SizeOption>): DrawnInt<O>;
  randomIntegers<const O extends SizeOption = Record<never, never>>(low: number, high: number | undefined, options?: Only<O, SizeOption>): DrawnInt<O>;
  randomIntegers(...args: readonly unknown[]): number | NdArray {
    const { low, high, size } = read<IntegerOptions>(["low", "high", "size"], args);
    const [from, to] = high === undefined ? [1, low] : [low, high];
    return this.randint({ low: from, high: to + 1, size });
  }

  /** Successes in n trials of probability p, arrays broadcast: `binomial(n, p, { size })` or `binomial({ n, p, size })`. Throws `binomial-p`, `binomial-n`. */
  binomial<const O extends BinomialOptions>(options: Only<O, BinomialOptions>): Drawn<O>;
  binomial<A extends ArrayLike, B extends ArrayLike, const O extends SizeOption = Record<never, never>>(n: A, p: B, options?: Only<O, SizeOption>): DrawnOf<A, B, O>;
  binomial(n: ArrayLike, p: ArrayLike, size: Size): NdArray;
  binomial(...args: readonly unknown[]): number | NdArray {
    const o = read<BinomialOptions>(["n", "p", "size"], args);
    const at = paramsOf(o.size, [o.n ?? 1, o.p]);
    return finish(fillBinomial(this.state, at.values[0] as Param, at.values[1] as Param, new Int32Array(sizeOf(at.shape))), at);
  }

  /** Counts of n trials over the probabilities, one row per draw: shape (...size, pvals.length). Throws `multinomial-pvals`, `multinomial-n`. */
  multinomial(n: number, pvals: ArrayLike, { size }: SizeOption = {}): NdArray {
    const ps = asarray(pvals, { dtype: "float64" });
    const shape = [...shapeOf(size ?? []), ps.size];
    return new NdArray(fillMultinomial(this.state, n, ps.data, new Int32Array(sizeOf(shape))), shape, "int32");
  }

  /** Shuffles along the first axis, in place: an NdArray, a typed array or a JavaScript array. Throws `shuffle-scalar`. */
  shuffle(array: NdArray | Float64Array | Float32Array | Int32Array | unknown[]): void {
    if (!(array instanceof NdArray)) {
      const items = array as unknown[];
      shuffleWith(this.state, items.length, (i, j) => {
        [items[i], items[j]] = [items[j], items[i]];
      });
      return;
    }
    const [n] = array.shape;
    if (n === undefined) fail("value", "shuffle-scalar", { what: "A scalar cannot be shuffled.", fix: "pass an array of at least one dimension" });
    if (array.size === 0) return;
    const row = array.size / n;
    shuffleWith(this.state, n, (i, j) => {
      const kept = array.data.slice(i * row, (i + 1) * row);
      array.data.copyWithin(i * row, j * row, (j + 1) * row);
      array.data.set(kept, j * row);
    });
  }

  /** A shuffled `arange(x)`, or a copy of an array shuffled along its first axis. Throws `shuffle-scalar`. */
  permutation(x: ArrayLike): NdArray {
    if (typeof x === "number") return new NdArray(permutationOf(this.state, x), [x], "int32");
    const a = asarray(x);
    const [n] = a.shape;
    if (n === undefined) fail("value", "permutation-scalar", { what: "A scalar array cannot be permuted.", fix: "pass an integer or an array of at least one dimension" });
    return take(a, permutationOf(this.state, n));
  }

  /**
   * Random entries of a vector, or of `arange(a)`: `choice(a, { size, replace, p })`, with replacement by default. Throws `choice-ndim` and
   * the errors of `choiceIndices`.
   */
  choice<const O extends ChoiceOptions = Record<never, never>>(a: ArrayLike, options?: Only<O, ChoiceOptions>): DrawnInt<O>;
  choice(a: ArrayLike, { size, replace = true, p }: ChoiceOptions = {}): number | NdArray {
    const from = asarray(a);
    if (from.ndim > 1) fail("value", "choice-ndim", { what: `choice needs an integer or a vector, got ${from}.`, fix: "choose row numbers, then take those rows" });
    const shape = shapeOf(size ?? []);
    const weights = p === undefined ? undefined : (asarray(p, { dtype: "float64" }).data as Float64Array);
    const at = choiceIndices(this.state, from.ndim === 0 ? Number(from.item()) : from.size, sizeOf(shape), { replace, p: weights });
    const index = new NdArray(at, shape, "int32");
    const out = from.ndim === 0 ? index : take(from, index);
    return size === undefined ? (out.data[0] as number) : out;
  }
}
