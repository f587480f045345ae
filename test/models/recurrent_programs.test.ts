/** The recurrent tutorials' programs at reduced size: they learn, save, stop, and go on where they stopped. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DamoError, loadArrays, type NdArray, numpy as np } from "../../src/index.js";
import { atisfold, makeFlights } from "../../src/models/atis.js";
import { loadReviews, makeReviews, prepareData, type ReviewOptions } from "../../src/models/imdb.js";
import { getMinibatchesIdx, loadLstm, predError, predProbs, trainLstm } from "../../src/models/lstm_program.js";
import { loadRnnrbm, testRnnrbm } from "../../src/models/rnnrbm_program.js";
import { RnnRbm } from "../../src/models/rnnrbm.js";
import { contextwin, RNNSLU } from "../../src/models/rnnslu.js";
import { evaluate, testRnnslu } from "../../src/models/rnnslu_program.js";
import { perEpoch } from "../../src/models/training.js";
import { makeTunes } from "../../src/models/tunes.js";
import { ATIS, IMDB } from "../data/fixtures.js";
import { quiet } from "./data.js";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-recurrent-"));
});
afterAll(() => rm(folder, { recursive: true }));

const codeOf = async (f: () => unknown): Promise<string> => {
  try {
    await f();
    return "none";
  } catch (e) {
    return (e as DamoError).code;
  }
};

/** NumPy 1.24's numbers for the calls named beside their use. */
const FIRST_W = [-0.00805314330875185, -0.0007798803198733274, 0.012430327283980096, 0.004847309215347858];
const FIRST_WUH = [-3.7476431377407385e-05, 0.00023851541864774477, 8.629660009437805e-05, -2.798180981713552e-05];
const SHUFFLED = [1, 3, 4, 0, 2, 5, 6];

/** A signal that asks to stop after so many minibatches. */
function stopAfter(n: number): { readonly signal: { aborted: boolean }; readonly progress: () => void } {
  const signal = { aborted: false };
  let done = 0;
  const progress = (): void => {
    done++;
    signal.aborted = done >= n;
  };
  return { signal, progress };
}

test("what epochs draw is drawn as often as epochs have begun", () => {
  const f = perEpoch(1, (x) => 2 * x);
  expect([f(0), f(0), f(3), f(4)]).toEqual([2, 2, 16, 32]);
});

describe("rnnrbm", () => {
  const SMALL = { nTunes: 6, nHidden: 20, nHiddenRecurrent: 10, kTrain: 5, kGenerate: 5, nGenerated: 12, batchSize: 64, lr: 0.03 };

  test("the tutorial's seeds and first weights", async () => {
    const { graph: { params: [W, , , Wuh] } } = new RnnRbm();
    // numpy.random.seed(0xbeef); randint(1 << 30); normal(scale=0.01, size=(88, 150)); normal(scale=0.0001, size=(100, 150))
    const [w, wuh] = [await W?.getValue(), await Wuh?.getValue()] as [NdArray, NdArray];
    expect(new np.random.RandomState(0xbeef).randint(2 ** 30)).toBe(564144054);
    FIRST_W.forEach((x, i) => { expect(w.data[i]).toBeCloseTo(x, 8); });
    FIRST_WUH.forEach((x, i) => { expect(wuh.data[i]).toBeCloseTo(x, 10); });
  });

  test("costs rise towards 0 as the published ones do, it plays, and its file gives the same parameters", async () => {
    const { lines, log } = quiet();
    const r = await testRnnrbm({ ...SMALL, numEpochs: 6, outputFolder: join(folder, "rnnrbm"), log });
    expect(r.costs).toHaveLength(6);
    expect(r.costs.every((c, i) => i === 0 || c > (r.costs[i - 1] as number))).toBe(true);
    expect(r.costs[5]).toBeGreaterThan((r.costs[0] as number) * 0.6);
    expect(lines).toContain("Epoch 6/6");
    const roll = (await r.model.generateFunction()) as NdArray;
    expect([roll.shape, new Set(roll.data)]).toEqual([[12, 88], new Set([0, 1])]);
    expect((await readFile(join(folder, "rnnrbm", "sample2.png"))).subarray(1, 4).toString()).toBe("PNG");
    const loaded = await loadRnnrbm(join(folder, "rnnrbm", "rnnrbm.npz"));
    for (const [name, p] of Object.entries(loaded.named)) expect(await p.getValue()).toEqual(await r.model.named[name]?.getValue());
  }, 60_000);

  test("a training in pieces is the same training", async () => {
    const options = { ...SMALL, numEpochs: 2, nSamples: 0, log: () => undefined };
    const whole = await testRnnrbm({ ...options, outputFolder: join(folder, "whole") });
    const checkpoint = { path: join(folder, "rnnrbm-checkpoint.npz") };
    const pieces = { ...options, outputFolder: join(folder, "pieces") };
    expect((await testRnnrbm({ ...pieces, checkpoint, ...stopAfter(14) })).interrupted).toBe(true);
    const { costs } = await testRnnrbm({ ...pieces, checkpoint: { ...checkpoint, resume: true } });
    expect(costs).toEqual(whole.costs);
    expect((await loadArrays(join(folder, "pieces/rnnrbm.npz"))).arrays).toEqual((await loadArrays(join(folder, "whole/rnnrbm.npz"))).arrays);
  }, 60_000);

  test("tunes are chords and a melody, the same for the same seed", () => {
    const tunes = makeTunes(5);
    for (const tune of tunes) {
      expect([64, 96, 128]).toContain(tune.shape[0]);
      for (let t = 0; t < (tune.shape[0] as number); t++) expect([...tune.data.subarray(t * 88, (t + 1) * 88)].filter((x) => x === 1)).toHaveLength(4);
    }
    expect(makeTunes(2)).toEqual(tunes.slice(0, 2));
    expect(() => makeTunes(0)).toThrow("[tunes-count]");
  });
});

describe("rnnslu", () => {
  test("contextwin, as in the tutorial's text", async () => {
    // doc/rnnslu.txt
    expect(contextwin([0, 1, 2, 3, 4], 3)).toEqual([[-1, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4], [3, 4, -1]]);
    expect(contextwin([0, 1, 2, 3, 4], 7)[0]).toEqual([-1, -1, -1, 0, 1, 2, 3]);
    expect(await codeOf(() => contextwin([1], 4))).toBe("contextwin-even");
  });

  test("learns to fill slots; the best model is the one in the file; in pieces it is the same", async () => {
    const { lines, log } = quiet();
    const flights = { sizes: { train: 300, valid: 30, test: 30 } };
    const options = { flights, nhidden: 60, embDimension: 30, win: 5, nepochs: 5, log };
    const r = await testRnnslu({ ...options, outputFolder: join(folder, "slu") });
    expect(r.costs.every((c, i) => i === 0 || c < (r.costs[i - 1] as number))).toBe(true);
    expect(r.validF1).toBeGreaterThan(60);
    expect(lines.at(-1)).toMatch(/^BEST RESULT: epoch \d valid F1 \d+\.\d\d best test F1 \d+\.\d\d with the model /);
    const best = await RNNSLU.load(join(folder, "slu/best_model.npz"));
    expect((await evaluate(best, makeFlights(flights), "validSet", 5)).f1).toBe(r.validF1);
    expect((await evaluate(best, makeFlights(flights), "testSet", 5)).f1).toBe(r.testF1);

    const checkpoint = { path: join(folder, "slu-checkpoint.npz") };
    await testRnnslu({ ...options, outputFolder: join(folder, "slu2"), checkpoint, ...stopAfter(700) });
    const { costs, testF1 } = await testRnnslu({ ...options, outputFolder: join(folder, "slu2"), checkpoint: { ...checkpoint, resume: true } });
    expect([costs, testF1]).toEqual([r.costs, r.testF1]);
  }, 60_000);

  test("flights have one label for each word, and sizes of at least 1", async () => {
    const { trainSet: [lex, ne, y], words2idx, labels2idx } = makeFlights();
    for (const [i, words] of lex.entries()) expect([ne[i]?.length, y[i]?.length]).toEqual([words.length, words.length]);
    expect(Math.max(...lex.flat())).toBeLessThan(words2idx.size);
    expect([...labels2idx.keys()]).toEqual(expect.arrayContaining(["O", "B-fromloc.city_name", "I-toloc.city_name"]));
    expect(await codeOf(() => makeFlights({ sizes: { train: 0 } }))).toBe("flights-size");
  });
});

describe("lstm", () => {
  test("prepareData pads, masks and leaves out what is too long", () => {
    const prepared = prepareData([[2, 3], [4, 5, 6], [7]], [1, 0, 1]) as NonNullable<ReturnType<typeof prepareData>>;
    expect([prepared.x.toArray(), prepared.mask.toArray(), prepared.labels]).toEqual([[[2, 4, 7], [3, 5, 0], [0, 6, 0]], [[1, 1, 1], [1, 1, 0], [0, 1, 0]], [1, 0, 1]]);
    expect(prepareData([[2, 3], [4, 5, 6], [7]], [1, 0, 1], { maxlen: 3 })?.x.toArray()).toEqual([[2, 7], [3, 0]]);
    expect(prepareData([[2, 3]], [1], { maxlen: 2 })).toBeNull();
  });

  test("minibatches: in order, or shuffled as NumPy shuffles, the last one smaller", () => {
    expect(getMinibatchesIdx(7, 3)).toEqual([[0, 1, 2], [3, 4, 5], [6]]);
    // numpy.random.RandomState(123).shuffle(numpy.arange(7))
    expect(getMinibatchesIdx(7, 3, { rng: new np.random.RandomState(123) }).flat()).toEqual(SHUFFLED);
  });

  test("loadReviews splits, sorts by length and hides rare words", async () => {
    const [train, valid, test] = await loadReviews("reviews", { nWords: 50, validPortion: 0.1, maxlen: 30, rng: new np.random.RandomState(1), reviews: { sizes: { train: 100, test: 20 } } });
    const kept = makeReviews({ sizes: { train: 100, test: 20 } })[0][0].filter((x) => x.length < 30).length;
    expect([train[0].length + valid[0].length, valid[0].length, test[0].length]).toEqual([kept, kept - Math.round(kept * 0.9), 20]);
    for (const [x] of [train, valid, test]) {
      expect(x.map((s) => s.length)).toEqual(x.map((s) => s.length).sort((a, b) => a - b));
      expect(Math.max(...x.flat())).toBeLessThan(50);
    }
    expect(await codeOf(() => makeReviews({ sizes: { test: 0.5 } }))).toBe("reviews-size");
  });

  test.each(["lstm", "gru"] as const)("%s learns reviews, and its file predicts the same", async (encoder) => {
    const { lines, log } = quiet();
    const saveto = join(folder, `${encoder}.npz`);
    const reviews: ReviewOptions = { sizes: { train: 300, test: 60 }, lengths: [14, 15] };
    const r = await trainLstm({ encoder, reviews, dimProj: 12, nWords: 60, maxEpochs: 32, validFreq: 76, useDropout: false, saveto, log });
    expect(r.costs.at(-1)).toBeLessThan(0.6);
    expect(r.testErr).toBeLessThan(0.42);
    expect(lines.filter((l) => l.startsWith("Train "))).toHaveLength(8);
    const { model } = await loadLstm(saveto);
    const [, , test] = await loadReviews("reviews", { nWords: 60, maxlen: 100, rng: new np.random.RandomState(123), reviews });
    const minibatches = getMinibatchesIdx(60, 32, { rng: new np.random.RandomState(5) });
    expect(await predError(model.fPred, test, minibatches)).toBe(r.testErr);
    const probs = await predProbs(model.fPredProb, test, minibatches);
    const wrong = test[1].filter((y, i) => Number((probs.data[2 * i + 1] as number) > (probs.data[2 * i] as number)) !== y).length;
    expect(wrong / 60).toBeCloseTo(r.testErr, 12);
  }, 120_000);

  test("stops early without progress, and a training in pieces is the same, dropout and best parameters too", async () => {
    const options = { reviews: { sizes: { train: 60, test: 20 }, lengths: [8, 9] as const }, optimizer: "sgd" as const, lrate: 3, dimProj: 4, nWords: 30, maxEpochs: 20, validFreq: 2, patience: 1, decayC: 0.01, saveto: null };
    const { lines, log } = quiet();
    const whole = await trainLstm({ ...options, log });
    expect(lines).toContain("Early Stop!");
    expect(whole.historyErrs.length).toBeLessThan(20);
    const checkpoint = { path: join(folder, "lstm-checkpoint.npz") };
    await trainLstm({ ...options, log, checkpoint, ...stopAfter(3) });
    const second = await trainLstm({ ...options, log, checkpoint: { ...checkpoint, resume: true } });
    expect([second.historyErrs, second.costs, second.testErr]).toEqual([whole.historyErrs, whole.costs, whole.testErr]);
    for (const [name, p] of second.tparams) expect(await p.getValue()).toEqual(await whole.tparams.get(name)?.getValue());
  }, 120_000);

  test("a bad cost ends the training", async () => {
    const { lines, log } = quiet();
    const r = await trainLstm({ reviews: { sizes: { train: 40, test: 10 }, lengths: [8, 8] }, optimizer: "sgd", lrate: 1e30, dimProj: 4, nWords: 30, maxEpochs: 5, saveto: null, log });
    expect([r.trainErr, r.validErr, r.testErr]).toEqual([1, 1, 1]);
    expect(lines.some((l) => l.startsWith("bad cost detected: "))).toBe(true);
  }, 60_000);
});

describe("the tutorials' data files", () => {
  test("atis.fold*.pkl and imdb.pkl are read, gzipped too", async () => {
    const [atis, imdb] = [join(folder, "atis.pkl.gz"), join(folder, "imdb.pkl")];
    await writeFile(atis, gzipSync(ATIS));
    await writeFile(imdb, IMDB);
    const { trainSet, testSet, words2idx, labels2idx } = await atisfold(atis);
    expect([trainSet, testSet]).toEqual([[[[0, 1], [2, 0]], [[3, 3], [3, 3]], [[0, 1], [1, 1]]], trainSet]);
    expect([words2idx.get("boston"), labels2idx.get("B-to")]).toEqual([1, 1]);
    const [train, valid, test] = await loadReviews(imdb, { nWords: 1000, validPortion: 0.5, rng: new np.random.RandomState(0) });
    expect([...train[0], ...valid[0]].sort()).toEqual([[2, 7, 300], [5, 1, 1, 3]]);
    expect(test).toEqual([[[4, 2]], [1]]);
  });

  test("of other content are refused", async () => {
    const file = join(folder, "numbers.pkl");
    await writeFile(file, Buffer.from("\x80\x02]q\x00(K\x01K\x02e.", "latin1"));
    expect(await codeOf(() => testRnnslu({ dataset: file, outputFolder: folder, log: () => undefined }))).toBe("atis-content");
    expect(await codeOf(() => trainLstm({ dataset: file, saveto: null, log: () => undefined }))).toBe("imdb-content");
  });
});
