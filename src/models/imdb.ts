/**
 * The Deep Learning Tutorials' imdb.py: reviews as lists of word indices with a label, from imdb.pkl or made here, and `prepareData`, which makes matrices
 * of a minibatch. Must not know models. Next: lstm_program.ts.
 */
import { config, fail, loadPickle, NdArray, numpy as np, type PickleValue, type RandomState } from "../index.js";

/** Word indices of each review, and labels. Index 0 pads, 1 is an unknown word. */
export type Reviews = readonly [x: readonly (readonly number[])[], y: readonly number[]];
export type ReviewSets = readonly [train: Reviews, valid: Reviews, test: Reviews];

export interface Prepared {
  /** int32 `[longest, n]`: a column per review, zeros below its end. */
  readonly x: NdArray;
  /** floatX `[longest, n]`: 1 where there is a word. */
  readonly mask: NdArray;
  readonly labels: readonly number[];
}

/** The matrices of some reviews; those of `maxlen` words or more are left out. Null when none is left. */
export function prepareData(seqs: readonly (readonly number[])[], labels: readonly number[], { maxlen = null }: { readonly maxlen?: number | null | undefined } = {}): Prepared | null {
  const kept = seqs.map((s, i) => [s, labels[i] as number] as const).filter(([s]) => maxlen === null || s.length < maxlen);
  if (kept.length < 1) return null;
  const nSamples = kept.length;
  const longest = kept.reduce((n, [s]) => Math.max(n, s.length), 0);
  const x = np.zeros([longest, nSamples], { dtype: "int32" });
  const mask = np.zeros([longest, nSamples], { dtype: config.floatX });
  for (const [idx, [s]] of kept.entries()) {
    for (const [t, word] of s.entries()) {
      x.data[t * nSamples + idx] = word;
      mask.data[t * nSamples + idx] = 1;
    }
  }
  return { x, mask, labels: kept.map(([, y]) => y) };
}

function refuse(file: string, what: string): never {
  fail("data", "imdb-content", { what: `${file} does not hold the reviews of IMDB: ${what}.`, fix: "give the tutorial's imdb.pkl: (train x, train y), then (test x, test y), each x a list of lists of word indices" });
}

function reviewsOf(object: PickleValue | undefined, file: string): Reviews {
  const numbers = (x: unknown): number[] => (x instanceof NdArray ? [...x.data] : Array.isArray(x) && x.every((i) => typeof i === "number") ? (x as number[]) : refuse(file, "a review or the labels are no list of numbers"));
  if (!Array.isArray(object) || object.length !== 2 || !Array.isArray(object[0])) return refuse(file, "a set is not (x, y)");
  const [x, y] = [(object[0] as unknown[]).map(numbers), numbers(object[1])];
  return x.length === y.length ? [x, y] : refuse(file, `${x.length} reviews and ${y.length} labels`);
}

/** Of the words few are frequent (as Zipf found), and a few say what the writer thinks. */
const WORDS = 200;
const NOT = 2;
const [POSITIVE, NEGATIVE, OTHERS] = [3, 13, 23];
const FEELINGS = 10;

function drawReview(rng: RandomState, [least, most]: readonly [number, number]): { review: number[]; label: number } {
  const label = rng.randint(2);
  const n = least + rng.randint(most - least + 1);
  const review: number[] = [];
  while (review.length < n) {
    const u = rng.randomSample();
    if (u < 0.2) {
      // Most feelings agree with the label, some as the opposite of what is not felt.
      const [agrees, negated] = [rng.randomSample() < 0.85, rng.randomSample() < 0.25];
      const positive = (label === 1) === agrees;
      if (negated) review.push(NOT);
      review.push((positive !== negated ? POSITIVE : NEGATIVE) + rng.randint(FEELINGS));
    } else review.push(OTHERS + Math.min(WORDS - OTHERS - 1, Math.floor(Math.exp(rng.randomSample() * Math.log(WORDS - OTHERS))) - 1));
  }
  return { review, label };
}

export interface ReviewOptions {
  readonly seed?: number | undefined;
  /** How many reviews; the training set's are shared with the validation set. */
  readonly sizes?: { readonly train?: number; readonly test?: number } | undefined;
  /** The least and the largest number of words, but for one that a negation adds; [8, 40] by default. */
  readonly lengths?: readonly [number, number] | undefined;
}

/** Reviews made here, in the order of imdb.pkl: training set and test set. Throws `reviews-size` (ValueError). */
export function makeReviews({ seed = 1234, sizes = {}, lengths = [8, 40] }: ReviewOptions = {}): readonly [train: Reviews, test: Reviews] {
  const rng = new np.random.RandomState(seed);
  const draw = (n: number): Reviews => {
    if (!Number.isInteger(n) || n < 1) fail("value", "reviews-size", { what: `A set cannot have ${n} reviews.`, fix: "pass whole numbers of at least 1 as sizes" });
    const drawn = Array.from({ length: n }, () => drawReview(rng, lengths));
    return [drawn.map((d) => d.review), drawn.map((d) => d.label)];
  };
  return [draw(sizes.train ?? 2000), draw(sizes.test ?? 200)];
}

export interface LoadReviewsOptions {
  /** Less frequent words, those with larger indices, become 1. */
  readonly nWords?: number | undefined;
  /** Part of the training set that becomes the validation set. */
  readonly validPortion?: number | undefined;
  /** Training reviews of so many words or more are left out; null (default) for none. */
  readonly maxlen?: number | null | undefined;
  /** Shortest first, so that minibatches taken in order need little padding. */
  readonly sortByLen?: boolean | undefined;
  /** Splits the training set. */
  readonly rng: RandomState;
  /** Sizes and seed of the reviews made here. */
  readonly reviews?: ReviewOptions | undefined;
}

/** `"reviews"` (made here), or the path of imdb.pkl(.gz). Throws `imdb-content` (DataError), and what `loadPickle` throws. */
export async function loadReviews(path: string, { nWords = 100000, validPortion = 0.1, maxlen = null, sortByLen = true, rng, reviews }: LoadReviewsOptions): Promise<ReviewSets> {
  const objects = path === "reviews" ? null : await loadPickle(path);
  let [trainSet, testSet] = objects === null ? makeReviews(reviews) : [reviewsOf(objects[0], path), reviewsOf(objects[1], path)];
  const select = ([x, y]: Reviews, indices: readonly number[]): Reviews => [indices.map((i) => x[i] as readonly number[]), indices.map((i) => y[i] as number)];
  if (maxlen !== null) trainSet = select(trainSet, [...trainSet[0].keys()].filter((i) => (trainSet[0][i] as readonly number[]).length < maxlen));

  const nSamples = trainSet[0].length;
  const sidx = [...rng.permutation(nSamples).data];
  const cut = Number(np.round(nSamples * (1 - validPortion)));
  let validSet = select(trainSet, sidx.slice(cut));
  trainSet = select(trainSet, sidx.slice(0, cut));

  const removeUnk = ([x, y]: Reviews): Reviews => [x.map((sen) => sen.map((w) => (w >= nWords ? 1 : w))), y];
  const sorted = (set: Reviews): Reviews => select(set, [...set[0].keys()].sort((a, b) => (set[0][a] as readonly number[]).length - (set[0][b] as readonly number[]).length));
  const finish = (set: Reviews): Reviews => (sortByLen ? sorted(removeUnk(set)) : removeUnk(set));
  [trainSet, validSet, testSet] = [finish(trainSet), finish(validSet), finish(testSet)];
  return [trainSet, validSet, testSet];
}
