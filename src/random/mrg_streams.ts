/**
 * MRGRandomStreams: Theano's MRG_RandomStreams (theano/sandbox/rng_mrg.py), the same numbers for the same seed and calls. Each call makes a
 * shared state whose default update is the state after the draw, and moves the generator to its next stream. Draws are kernels of any
 * device. Must not know devices. streams.ts is the sister with NumPy's generator.
 */
import type { FloatDType } from "../codegen/ir/dtype.js";
import { apply, SharedVariable, type Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { asTensor, type Operand } from "../ops/define.js";
import { add, cast, lt, mul, sub } from "../ops/elementwise.js";
import { type Named, optionOf } from "../ops/options.js";
import { shapeAt, type ShapeLike } from "../ops/shape.js";
import { fail } from "../util/fail.js";
import { choiceFromUniform } from "./choice_op.js";
import { drawnFrom, floatOf, type RandomVariable, type StateUpdate } from "./draw.js";
import "../ops/shared.js";
import { mrgLongDraw } from "./mrg_long.js";
import { MRG_BLOCK, mrgDraw, type MrgParams } from "./mrg_op.js";
import { guessNStreams, mrgNextStream, mrgSeed, mrgSubstreams } from "./mrg31k3p.js";
import { multinomialFromUniform } from "./multinomial_op.js";
import { readSize, sizeFirst } from "./size.js";

export interface MrgDrawOptions {
  /** Lengths as numbers and 0-d int variables, or an int vector such as `x.shape`. */
  readonly size: ShapeLike;
  /** Number of axes, where the size does not say it. */
  readonly ndim?: number | null | undefined;
  readonly dtype?: string | undefined;
  /** Streams drawn from in turn: a sixth of the elements, at most 15360, and 15360 for sizes with variables. Part of what numbers come out. */
  readonly nstreams?: number | null | undefined;
}
export interface MrgUniformOptions extends MrgDrawOptions { readonly low?: Operand | undefined; readonly high?: Operand | undefined }
export interface MrgNormalOptions extends MrgDrawOptions { readonly avg?: Operand | undefined; readonly std?: Operand | undefined }
export interface MrgBinomialOptions extends MrgDrawOptions { readonly n?: number | undefined; readonly p?: Operand | undefined }
export interface MrgMultinomialOptions {
  readonly pvals: Operand;
  readonly n?: number | undefined;
  readonly dtype?: string | undefined;
  readonly nstreams?: number | null | undefined;
}
export interface MrgChoiceOptions {
  /** Probabilities, a row for each draw. */
  readonly p: Operand;
  readonly size?: number | Variable | undefined;
  readonly replace?: boolean | undefined;
  readonly dtype?: string | undefined;
  readonly nstreams?: number | null | undefined;
}

/**
 * Random variables drawn by MRG31k3p on the device, bit-equal to Theano's MRG_RandomStreams (theano/sandbox/rng_mrg.py). Each variable has its own
 * streams, 2^134 steps after those of the variable before it; a state advances once per call of a function that uses it, by its default update.
 */
export class MRGRandomStreams {
  readonly #seed: number | readonly number[];
  #rstate: Int32Array;
  readonly #draws: { readonly update: StateUpdate; readonly streams: number }[] = [];

  /** `seed`: an integer of 1 … 2147462578, or six integers; or `{ seed }`. Throws `mrg-seed`. */
  constructor(seed: Named<"seed", number | readonly number[]> = 12345) {
    this.#seed = optionOf(seed, "seed") ?? 12345;
    this.#rstate = mrgSeed(this.#seed);
  }

  /** Where the next random variable's first stream starts: six integers. */
  get rstate(): readonly number[] {
    return [...this.#rstate];
  }

  /** Sets where the next random variable starts, from an integer or six. Throws `mrg-seed`. */
  setRstate(seed: number | readonly number[]): void {
    this.#rstate = mrgSeed(seed);
  }

  /** Moves to the next stream, 2^134 steps on. */
  incRstate(): void {
    this.#rstate = mrgNextStream(this.#rstate);
  }

  /** Starts all random variables made so far again, in the order they were made, as if made after this seed; the first seed by default. */
  seed(seed: number | readonly number[] = this.#seed): void {
    this.setRstate(seed);
    for (const { update: [state], streams } of this.#draws) state.setValue(this.#substreams(streams), { borrow: true });
  }

  /** Every state made so far with its next value, in order. */
  stateUpdates(): readonly StateUpdate[] {
    return this.#draws.map((d) => d.update);
  }

  /** As `stateUpdates()`: what to pass to `updates` when default updates are off. */
  updates(): readonly StateUpdate[] {
    return this.stateUpdates();
  }

  #substreams(streams: number): NdArray {
    const rows = mrgSubstreams(this.#rstate, streams);
    this.incRstate();
    return new NdArray(rows, [streams, 6], "int32");
  }

  #draw({ size, ndim, nstreams }: MrgDrawOptions, dtype: FloatDType, distribution: MrgParams["distribution"]): RandomVariable {
    const { spec, inputs, broadcastable, literal } = readSize(size, ndim);
    const counted = literal !== null && distribution === "normal" ? [Math.ceil(literal.reduce((a, b) => a * b, 1) / 2) * 2] : literal;
    const streams = nstreams ?? Math.max(1, guessNStreams(counted ?? "symbolic"));
    const state = new SharedVariable(this.#substreams(streams), { name: "rng" });
    const short = spec.lengths.every((n) => n !== null) && spec.lengths.reduce<number>((n, d) => n * (d as number), 1) < streams * MRG_BLOCK;
    const [next, sample] = apply(short ? mrgDraw : mrgLongDraw, [state, ...inputs], { size: spec, broadcastable, dtype, distribution, blocked: false }) as [Variable, Variable];
    state.defaultUpdate = next;
    const update: StateUpdate = [state, next];
    this.#draws.push({ update, streams });
    return drawnFrom(sample, update);
  }

  /** Uniform on (low, high], (0, 1] by default: low + (high - low) u. dtype: the largest of floatX, low's and high's. */
  uniform(options: MrgUniformOptions): RandomVariable;
  uniform(size: ShapeLike, options?: Omit<MrgUniformOptions, "size">): RandomVariable;
  uniform(first: ShapeLike | MrgUniformOptions, more: Omit<MrgUniformOptions, "size"> = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { low = 0, high = 1 } = options;
    const dtype = floatOf(options.dtype, low, high);
    const u = this.#draw(options, dtype, "uniform");
    if (low === 0 && high === 1) return u;
    const [from, to] = [cast(asTensor(low), dtype), cast(asTensor(high), dtype)];
    return drawnFrom(add(mul(u, sub(to, from)), from), u.update);
  }

  /** 1 with probability p, else 0: uniform(size) < p, as int32 unless `dtype` says otherwise. p broadcasts against the size. Throws `mrg-binomial-n` for n other than 1. */
  binomial(options: MrgBinomialOptions): RandomVariable;
  binomial(size: ShapeLike, options?: Omit<MrgBinomialOptions, "size">): RandomVariable;
  binomial(first: ShapeLike | MrgBinomialOptions, more: Omit<MrgBinomialOptions, "size"> = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { n = 1, p = 0.5, dtype = "int32" } = options;
    if (n !== 1) fail("unsupported", "mrg-binomial-n", { what: `MRGRandomStreams.binomial draws with n = 1 only, got ${n}.`, fix: "sum n draws, or use RandomStreams" });
    const u = this.#draw(options, floatOf(undefined), "uniform");
    return drawnFrom(cast(lt(u, p), dtype), u.update);
  }

  /** Normal with mean avg (0) and standard deviation std (1), by Box and Muller. dtype: the largest of floatX, avg's and std's. */
  normal(options: MrgNormalOptions): RandomVariable;
  normal(size: ShapeLike, options?: Omit<MrgNormalOptions, "size">): RandomVariable;
  normal(first: ShapeLike | MrgNormalOptions, more: Omit<MrgNormalOptions, "size"> = {}): RandomVariable {
    const options = sizeFirst(first, more);
    const { avg = 0, std = 1 } = options;
    const dtype = floatOf(options.dtype, avg, std);
    const z = this.#draw(options, dtype, "normal");
    const scaled = std === 1 ? z : mul(z, cast(asTensor(std), dtype));
    return drawnFrom(avg === 0 ? scaled : add(scaled, cast(asTensor(avg), dtype)), z.update);
  }

  /** Counts of n (1) trials for each row of the matrix `pvals`, as int32 unless `dtype` says otherwise. Throws `mrg-multinomial-pvals`, `mrg-multinomial-n`. */
  multinomial({ pvals, n = 1, dtype = "int32", nstreams }: MrgMultinomialOptions): RandomVariable {
    const ps = asTensor(pvals);
    if (ps.ndim !== 2 || !ps.type.isFloat) {
      fail("value", "mrg-multinomial-pvals", { what: `MRGRandomStreams.multinomial needs a matrix of floats with one row per draw, got ${ps}.`, where: String(ps.origin), fix: "pass pvals of shape (draws, outcomes)" });
    }
    if (!Number.isInteger(n) || n < 1) fail("value", "mrg-multinomial-n", { what: `multinomial needs a number of trials that is an integer >= 1, got ${n}.`, fix: "pass n >= 1" });
    const rows = shapeAt(ps, 0);
    const u = this.#draw({ size: [n === 1 ? rows : mul(rows, n)], nstreams }, floatOf(undefined), "uniform");
    return drawnFrom(cast(multinomialFromUniform(ps, u, n), dtype), u.update);
  }

  /**
   * For each row of the matrix `p` of probabilities, `size` (1) different outcomes: int32[rows, size] unless `dtype` says otherwise. Only without
   * replacement, as in Theano: `choice({ size: 2, replace: false, p })`. Throws `mrg-choice-replace`, `mrg-choice-p`, and when run `choice-more`.
   */
  choice({ size = 1, replace = true, p, dtype = "int32", nstreams }: MrgChoiceOptions): RandomVariable {
    if (replace) fail("unsupported", "mrg-choice-replace", { what: "MRGRandomStreams.choice only works without replacement.", fix: "pass replace: false, or use RandomStreams.choice" });
    const ps = asTensor(p);
    if (ps.ndim !== 2 || !ps.type.isFloat) {
      fail("unsupported", "mrg-choice-p", { what: `MRGRandomStreams.choice needs a matrix of floats with one row per draw, got ${ps}.`, where: String(ps.origin), fix: "pass p of shape (draws, outcomes)" });
    }
    const count = asTensor(size);
    const u = this.#draw({ size: [mul(shapeAt(ps, 0), count)], nstreams }, floatOf(undefined), "uniform");
    return drawnFrom(cast(choiceFromUniform(ps, u, count), dtype), u.update);
  }
}
