/**
 * How the step of J1 (RBM 784x500, batch 20, PCD-15, MRG streams) grows with one size at a time, on one thread and more: writes docs/growth.md and
 * docs/growth.svg.   npm run growth -- --device wasm --threads 1,2
 * Settings take turns, so that other work on the machine meets all. Next: plot.mjs draws.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { closeDevices, compile, config, loadData, MRGRandomStreams, NdArray, numpy as np, shared, T } from "damo";
import { minibatch, RBM } from "damo/models";
import { plot } from "./plot.mjs";
import { median } from "../statistics.mjs";

const { values } = parseArgs({
  options: { device: { type: "string", default: "auto" }, threads: { type: "string", default: "1,2" }, rounds: { type: "string", default: "7" }, out: { type: "string", default: new URL("../../docs", import.meta.url).pathname } },
});
config.device = values.device;
const threads = values.threads.split(",").map(Number);

const BASE = { batch: 20, hidden: 500, k: 15 };
const SIZES = { batch: [1, 5, 10, 20, 50, 100, 200], hidden: [125, 250, 500, 1000, 2000], k: [1, 2, 5, 10, 15, 30, 60] };
const TITLES = { batch: "minibatch", hidden: "hidden units", k: "Gibbs steps k" };
const TURN_MS = 200;

class Setting {
  constructor(images, sizes, nThreads) {
    Object.assign(this, { sizes, threads: nThreads, times: [], at: 0 });
    const { batch, hidden, k } = sizes;
    const [x, index] = [T.matrix("x"), T.lscalar("index")];
    const rbm = new RBM({ input: x, nVisible: 784, nHidden: hidden, theanoRng: new MRGRandomStreams(123) });
    const persistent = shared(np.zeros([batch, hidden], { dtype: "float32" }));
    const [cost, updates] = rbm.getCostUpdates({ lr: 0.1, persistent, k });
    this.batches = Math.floor(images.valueShape[0] / batch);
    this.train = compile([index], cost, { updates, givens: [[x, minibatch(images, index, batch)]], threads: nThreads });
  }

  async step() {
    const start = performance.now();
    await this.train(this.at++ % this.batches);
    return performance.now() - start;
  }

  async turn() {
    await this.step();
    const times = [];
    const start = performance.now();
    while (times.length < 3 || performance.now() - start < TURN_MS) times.push(await this.step());
    this.times.push(...times);
  }
}

const dataset = process.env.DAMO_DATA ? "mnist" : "digits";
const [pixels] = (await loadData(dataset)).train;
const images = shared(new NdArray(Float32Array.from(pixels.data.subarray(0, 4000 * 784)), [4000, 784], "float32"));

const settings = Object.entries(SIZES).flatMap(([axis, sizes]) =>
  sizes.flatMap((size) => threads.map((n) => ({ axis, size, setting: new Setting(images, { ...BASE, [axis]: size }, n) }))));
for (const { setting } of settings) for (let i = 0; i < 3; i++) await setting.step();
for (let round = 0; round < Number(values.rounds); round++) for (const { setting } of settings) await setting.turn();

const at = (axis, size, n) => settings.find((s) => s.axis === axis && s.size === size && s.setting.threads === n).setting;
const least = (setting) => Math.min(...setting.times);
const cell = (setting) => `${least(setting).toFixed(2)} (${median(setting.times).toFixed(2)})`;
const tables = Object.entries(SIZES).flatMap(([axis, sizes]) => [
  `| ${TITLES[axis]} | ${threads.map((n) => `ms on ${n} thread${n > 1 ? "s" : ""}: least (median)`).join(" | ")} | ms per unit |`,
  `| --- |${" --- |".repeat(threads.length + 1)}`,
  ...sizes.map((size) => `| ${size} | ${threads.map((n) => cell(at(axis, size, n))).join(" | ")} | ${(least(at(axis, size, threads.at(-1))) / size).toPrecision(3)} |`),
  "",
]);
const { device, description } = settings[0].setting.train.explain();
const text = [
  "# How a training step grows",
  "",
  `One step of the article's RBM: 784 visible units, by default ${BASE.hidden} hidden units, minibatch ${BASE.batch}, PCD-${BASE.k}, pseudo-likelihood, fresh random numbers; one size varies at a time.`,
  `Device ${device} (${description.split(",")[0]}), float32, ${dataset === "mnist" ? "MNIST" : "drawn digits"}, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model.trim()}, load average ${loadavg()[0].toFixed(1)} at the end. Other work on the machine only adds time, so the least time of a step is compared, and drawn. Made by \`npm run growth\` in \`bench/\`.`,
  "",
  "![step time against minibatch, hidden units, k](growth.svg)",
  "",
  ...tables,
];
const panels = Object.entries(SIZES).map(([axis, sizes]) => ({
  title: TITLES[axis],
  lines: threads.map((n) => ({ name: `${n} thread${n > 1 ? "s" : ""}`, points: sizes.map((size) => [size, least(at(axis, size, n))]) })),
}));
mkdirSync(values.out, { recursive: true });
writeFileSync(`${values.out}/growth.md`, `${text.join("\n").trimEnd()}\n`);
writeFileSync(`${values.out}/growth.svg`, plot(panels, "least ms per step"));
console.log(tables.join("\n"));
await closeDevices();
