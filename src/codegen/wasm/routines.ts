/**
 * Routine -> native code, for draws of MRG31k3p, and of NumPy's legacy RandomState whose parameters the plan knows: the same bits as the routine's own `run`.
 * What needs a logarithm of a draw (normals, large binomials) or parameters that only a call knows stays with the host. Must not know plans.
 * module.ts calls it; mt19937.ts, legacy_draws.ts and mrg_fill.ts write the parts.
 */
import { castScalar, isFloat, sizeOf } from "../ir/dtype.js";
import type { BufferType } from "../ir/kernel.js";
import { MRG_UNIFORM, type Routine } from "../ir/plan.js";
import type { Features, KernelCode } from "./code.js";
import { literal } from "./convert.js";
import { BLOCK_BYTES, drawFunctions, eachUniform, float32Beside, float64, type Site, storeSamples } from "./legacy_draws.js";
import { passParams } from "./loops.js";
import { mrgFill } from "./mrg_fill.js";
import { generator, STATE_BYTES } from "./mt19937.js";
import { add, call, Func, i32, times } from "./wat.js";

/** How the samples of a routine are made. */
interface Draw {
  /** Advances the state and stores all samples. */
  readonly write: (site: Site) => void;
  /** Nanoseconds per sample. */
  readonly cost: number;
  /** Bytes that it needs for itself. */
  readonly own: number;
}

/** From the parameters, NaN where only a call knows one, and the samples' type. Null where the host draws. */
type Distribution = (args: readonly number[], samples: BufferType) => Draw | null;

const uniform: Distribution = ([low, high], { dtype, shape }) => {
  const [from, range] = [low as number, (high as number) - (low as number)];
  // The text does not say which zero it is, and below it that shows.
  if (!isFloat(dtype) || !Number.isFinite(range) || (from === 0 && range < 0)) return null;
  const n = sizeOf(shape);
  if (from === 0 && range === 1 && dtype === "float64") return { cost: 1.5, own: 0, write: ({ fn, state, out }) => fn.line(call("$mt_fill", state, out, i32(n))) };
  const scaled = (x: string, lanes: 1 | 4): string => {
    const { constant, operation } = float64(lanes);
    return operation("add", constant(from), operation("mul", constant(range), x));
  };
  return {
    cost: 2, own: BLOCK_BYTES,
    write: (site) => eachUniform(site, n, (place, u) => storeSamples(site, place, { ...u, parts: u.parts.map((x) => scaled(x, u.lanes)) })),
  };
};

/** Rows of 1 - u and of u; in float32 the first rounded down and the second up, which decides comparisons as float64 does. */
const bernoulliPair: Distribution = (_, { dtype, shape }) => {
  if (!isFloat(dtype)) return null;
  const n = sizeOf(shape) / 2;
  return {
    cost: 1, own: BLOCK_BYTES,
    write: (site) => eachUniform(site, n, (place, u) => {
      const { constant, operation } = float64(u.lanes);
      const complement = { ...u, parts: u.parts.map((x) => operation("sub", constant(1), x)) };
      storeSamples(site, place, dtype === "float32" ? float32Beside(site.fn, complement, -1) : complement);
      storeSamples(site, place, dtype === "float32" ? float32Beside(site.fn, u, 1) : u, n);
    }),
  };
};

/** One integer after the other. */
const integers = (n: number, cost: number, text: (state: string) => string): Draw => ({
  cost, own: 0,
  write: ({ fn, state, out }) => fn.loop(i32(0), i32(n), 1, (i) => fn.line(`(i32.store ${add(out, times(i, 4))} ${text(state)})`)),
});

const randomIntegers: Distribution = ([low, high], { dtype, shape }) => {
  const [from, to] = [low as number, high as number];
  if (dtype !== "int32" || ![from, to].every((x) => castScalar(x, "int32") === x) || from > to) return null;
  return integers(sizeOf(shape), 15, (state) => `(i32.add ${i32(from)} ${call("$mt_interval", state, i32(to - from))})`);
};

/** log q for q of [1/2, 1], correctly rounded: 2 atanh((q - 1) / (q + 1)) in 160 bits, as exactly as src/random has it. */
function logOf(q: number): number {
  const [x, one] = [BigInt(q * 2 ** 53), 1n << 53n];
  const [a, b] = [x - one, x + one];
  let sum = 0n;
  let term = (a << 161n) / b;
  for (let k = 1n; term !== 0n; k += 2n) {
    sum += term / k;
    term = (term * a * a) / (b * b);
  }
  return Number(sum) * 2 ** -160;
}

/** Above this many successes to be expected NumPy has another method. */
const MOST_INVERTED = 30;

const binomial: Distribution = ([trials, probability], { dtype, shape }) => {
  const [n, p] = [trials as number, probability as number];
  const few = p <= 0.5 ? p : 1 - p;
  if (dtype !== "int32" || !Number.isInteger(n) || n < 0 || n > 0x7fffffff || !(p >= 0 && p <= 1) || few * n > MOST_INVERTED) return null;
  const q = 1 - few;
  const bound = Math.trunc(Math.min(n, n * few + 10 * Math.sqrt(n * few * q + 1)));
  const constants = [n, few, q, Math.exp(n * logOf(q)), bound].map((x) => `(f64.const ${literal(x)})`);
  const drawn = (state: string): string => `(i32.trunc_sat_f64_s ${call("$mt_inversion", state, ...constants)})`;
  return integers(sizeOf(shape), 20 + 6 * few * n, (state) => (p <= 0.5 ? drawn(state) : `(i32.sub ${i32(n)} ${drawn(state)})`));
};

const permutation: Distribution = (_, { dtype, shape }) => {
  const n = shape.at(-1) ?? 0;
  if (dtype !== "int32" || n === 0) return null;
  return { cost: 15, own: 0, write: ({ fn, state, out }) => fn.loop(i32(0), i32(sizeOf(shape)), n, (i) => fn.line(call("$mt_order", state, add(out, times(i, 4)), i32(n)))) };
};

/** How many may be chosen from: a positive integer. */
const isPopulation = (n: number): boolean => Number.isInteger(n) && n > 0 && n <= 0x7fffffff;

const choice: Distribution = ([population, p = 0], { dtype, shape }) => {
  if (dtype !== "int32" || !isPopulation(population as number) || Number.isNaN(p)) return null;
  return integers(sizeOf(shape), 15, (state) => call("$mt_interval", state, i32((population as number) - 1)));
};

/** The most integers that a thread keeps for a choice without replacement. */
const MOST_ORDERED = 65536;

/** The first of a random order of all. */
const choiceWithout: Distribution = ([population, p = 0], { dtype, shape }) => {
  const [all, n] = [population as number, sizeOf(shape)];
  if (dtype !== "int32" || !isPopulation(all) || all > MOST_ORDERED || n > all || Number.isNaN(p)) return null;
  return {
    cost: (15 * all) / Math.max(n, 1), own: all * 4,
    write: ({ fn, state, out, own }) => {
      fn.line(call("$mt_order", state, own, i32(all)));
      fn.line(`(memory.copy ${out} ${own} ${i32(n * 4)})`);
    },
  };
};

/** A routine's parameters as its text gives them, after the dtype; NaN for those that are inputs. */
const argsOf = ({ config }: Routine): number[] => config.split(" ").slice(1).map((x) => (x === "_" ? Number.NaN : Number(x)));

/** The code of a routine between buffers, of which the first read is the state and the first written the next one. Null where the host runs it. */
type Writer = (routine: Routine, reads: readonly BufferType[], writes: readonly [BufferType, BufferType], id: string, features: Features) => KernelCode | null;

/** A draw of MT19937, which is serial: one unit. */
const serial = (distribution: Distribution): Writer => (routine, reads, writes, id, features) => {
  const [, samples] = writes;
  const draw = distribution(argsOf(routine), samples);
  if (!draw) return null;
  const params = passParams({ params: reads, results: writes, scalars: [] });
  const fn = new Func(`$${id}`, params.list);
  const [state, out] = params.results as readonly [string, string];
  fn.when("(i32.lt_s (local.get $from) (local.get $to))", () => {
    fn.line(`(memory.copy ${state} ${params.buffers[0]} ${i32(STATE_BYTES)})`);
    draw.write({ fn, state, out, own: "(local.get $own)", dtype: samples.dtype, simd: features.simd });
  });
  const pass = { name: fn.name, text: fn.text(), units: 1, cost: 100 + draw.cost * sizeOf(samples.shape) };
  const how = `native ${routine.name}${features.simd ? "" : ", word by word"}`;
  return { packings: [], passes: [pass], scratch: 0, own: draw.own, how, library: new Map([...generator(features.simd), ...drawFunctions]), inPlace: [[0], []] };
};

const WRITERS: ReadonlyMap<string, Writer> = new Map<string, Writer>([
  [MRG_UNIFORM, (_, reads, writes, id, features) => mrgFill(reads, writes, id, features)],
  ...Object.entries({ uniform, bernoulliPair, randomIntegers, binomial, permutation, choice, choiceWithout }).map(([name, d]): [string, Writer] => [`mt19937.${name}`, serial(d)]),
]);

/** Names of the routines that have code of their own here (Caps.routines). */
export const NATIVE_ROUTINES: ReadonlySet<string> = new Set(WRITERS.keys());

/** Null where the host runs the routine. */
export function nativeRoutine(routine: Routine, reads: readonly BufferType[], writes: readonly BufferType[], id: string, features: Features): KernelCode | null {
  return WRITERS.get(routine.name)?.(routine, reads, writes as readonly [BufferType, BufferType], id, features) ?? null;
}
