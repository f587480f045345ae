/**
 * The command-line program as a user runs it: built, in a child process, with tiny settings. Ctrl-C saves.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadArrays } from "../../src/index.js";
import { loadRbm } from "../../src/models/rbm_program.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const main = join(root, "dist/examples/main.js");

/** The newest change of any file in a folder. */
const newest = (folder: string): number => Math.max(...readdirSync(folder, { recursive: true, withFileTypes: true }).filter((f) => f.isFile()).map((f) => statSync(join(f.parentPath, f.name)).mtimeMs));

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-cli-"));
  const stale = !existsSync(main) || statSync(main).mtimeMs < Math.max(newest(join(root, "src")), newest(join(root, "examples")));
  if (stale) execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
}, 120_000);
afterAll(() => rm(folder, { recursive: true }));

interface Ran { readonly status: number | null; readonly out: string; readonly err: string }

function start(args: readonly string[]): { readonly child: ChildProcess; readonly seen: { out: string; err: string }; readonly ended: Promise<Ran> } {
  const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...process.env, DAMO_FLAGS: "" } });
  const seen = { out: "", err: "" };
  child.stdout.on("data", (d: Buffer) => (seen.out += d));
  child.stderr.on("data", (d: Buffer) => (seen.err += d));
  return { child, seen, ended: new Promise((resolve) => child.on("close", (status) => resolve({ status, ...seen }))) };
}
const damo = (...args: string[]): Promise<Ran> => start(args).ended;

const FEW = ["--train-size", "200", "--valid-size", "60", "--test-size", "60"];
/** Named, so that nothing is probed. */
const CPU = ["--device", "gpu:webasm"];
const SMALL_RBM = [...FEW, "--hidden", "12", "--k", "2", "--chains", "4", "--samples", "2", "--plot-every", "3"];

describe("rbm", () => {
  test("trains, writes pictures and the model, says what ran; sample continues from the file", async () => {
    const r = await damo("rbm", ...SMALL_RBM, "--epochs", "2", "--out", "plots");
    expect([r.status, r.err]).toEqual([0, expect.not.stringContaining("error:")]);
    expect(r.out).toMatch(/^Settings: epochs 2 \(article: 15\), hidden 12 \(article: 500\)/);
    expect(r.out).toMatch(/\nTraining epoch 1, cost is -\d+\.\d+\nTraining took \d+\.\d+ minutes\n/);
    expect(r.out).toMatch(/\nDevice: \S+ \(.*\)\. Why: .*\ntrain_rbm: \d+ kernels, \d+ launches per call\nsample_fn: \d+ kernels, \d+ launches per call\nWritten: /);
    expect((await readdir(join(folder, "plots"))).sort()).toEqual(["checkpoint.npz", "filters_at_epoch_0.png", "filters_at_epoch_1.png", "rbm.npz", "samples.png"]);
    const s = await damo("sample", ...CPU, "--model", "plots/rbm.npz", ...FEW, "--chains", "4", "--samples", "2", "--plot-every", "3", "--out", "more");
    expect([s.status, s.out.split("\n").filter((l) => l.startsWith(" ... plotting sample"))]).toEqual([0, [" ... plotting sample 0", " ... plotting sample 1"]]);
    expect(await readdir(join(folder, "more"))).toEqual(["samples.png"]);
  }, 120_000);

  test("Ctrl-C finishes the minibatch, saves, and exits with 130", async () => {
    const { child, seen, ended } = start(["rbm", ...CPU, ...SMALL_RBM, "--epochs", "100000", "--out", "stopped"]);
    while (!seen.out.includes("Training epoch 0") && child.exitCode === null) await new Promise((r) => setTimeout(r, 20));
    child.kill("SIGINT");
    const r = await ended;
    expect(r.status).toBe(130);
    expect(r.out).toContain("Stopping after this minibatch");
    expect(await readdir(join(folder, "stopped"))).toEqual(expect.arrayContaining(["filters_at_epoch_0.png", "rbm.npz", "samples.png"]));
    expect((await loadRbm(join(folder, "stopped/rbm.npz"))).nHidden).toBe(12);
  }, 120_000);
});

describe("a training in pieces", () => {
  const run = (...args: string[]) => start(["rbm", ...CPU, ...SMALL_RBM, "--epochs", "20", ...args]);
  const told = (out: string): string[] => out.split("\n").filter((l) => /^(Training epoch| \.\.\. plotting)/.test(l));

  test("stopped by SIGTERM and resumed in another process is the same training", async () => {
    const whole = await run("--out", "whole").ended;
    const { child, seen, ended } = run("--out", "pieces", "--checkpoint", "kept/");
    while (!seen.out.includes("Training epoch 0") && child.exitCode === null) await new Promise((r) => setTimeout(r, 1));
    child.kill("SIGTERM");
    const first = await ended;
    expect([first.status, first.out]).toEqual([143, expect.stringContaining("Stopped: kept/checkpoint.npz is where to resume (--resume).")]);
    expect(first.out).not.toContain("Training epoch 19");
    const other = await run("--out", "pieces", "--checkpoint", "kept/", "--resume", "--lr", "0.2").ended;
    expect([other.status, other.err]).toEqual([1, expect.stringMatching(/learningRate: 0.1 in the checkpoint, 0.2 now[\s\S]*\[checkpoint-options\]/)]);
    const again = await run("--out", "pieces", "--checkpoint", "kept").ended;
    expect([again.status, again.err]).toEqual([1, expect.stringContaining("[checkpoint-unfinished]")]);
    const second = await run("--out", "pieces", "--checkpoint", "kept", "--resume").ended;
    expect([second.status, second.err]).toEqual([0, expect.not.stringContaining("error:")]);
    const lines = [...told(first.out).filter((l) => l.startsWith("Training")), ...told(second.out)];
    expect(lines).toEqual(told(whole.out));
    const [a, b] = await Promise.all(["whole", "pieces"].map(async (name) => (await loadArrays(join(folder, name, "rbm.npz"))).arrays));
    expect(b).toEqual(a);
  }, 120_000);
});

test("rules can be left out, by names that exist", async () => {
  const exclude = async (rules: string, out: string) => damo("rbm", ...CPU, ...SMALL_RBM, "--epochs", "1", "--plan", "--exclude", rules, "--out", out);
  expect((await exclude("merge", "with")).out).toContain("softplus(");
  expect((await exclude("softplus,logSigmoid", "without")).out).not.toContain("softplus(");
  const r = await exclude("softplus,logsigmoid", "mistaken");
  expect([r.status, r.err]).toEqual([1, expect.stringMatching(/named 'logsigmoid'[\s\S]*\[exclude-unknown\]/)]);
}, 120_000);

test("float64 runs on a device that has it", async () => {
  const r = await damo("logistic", ...FEW, "--floatX", "float64", "--epochs", "1", "--batch", "20", "--out", "double");
  expect([r.status, r.err]).toEqual([0, expect.not.stringContaining("error:")]);
  expect(r.out).toContain("\nDevice: wasm ");
}, 120_000);

describe("classifiers", () => {
  test.each([
    ["logistic", ["--epochs", "2", "--batch", "20"], 1],
    ["mlp", ["--epochs", "1", "--hidden", "8"], 1],
    ["lenet", ["--epochs", "1", "--kernels", "2,3", "--hidden", "8", "--batch", "20"], 1],
    ["dbn", ["--epochs", "1", "--pretrain-epochs", "1", "--hidden", "8,6"], 3],
    ["sda", ["--epochs", "1", "--pretrain-epochs", "1", "--hidden", "8,6", "--corruption", "0.1,0.4"], 3],
    ["logistic-cg", ["--epochs", "2", "--batch", "20"], 1],
  ] as const)("%s trains and predict reads its model", async (name, options, functions) => {
    const r = await damo(name, ...FEW, ...CPU, ...options, "--out", name);
    expect([r.status, r.err]).toEqual([0, expect.not.stringContaining("error:")]);
    expect(r.out).toMatch(/Optimization complete/);
    expect(r.out.match(/: \d+ kernels, \d+ launches per call/g)).toHaveLength(functions);
    const p = await damo("predict", ...CPU, "--model", join(name, "best_model.npz"), ...FEW, "--count", "5");
    expect(p.out).toMatch(/Predicted values for the first 5 examples in test set:\n\[\d( \d){4}\]\nTheir labels: \[\d( \d){4}\]; \d of 5 wrong\./);
    expect(p.status).toBe(0);
  }, 120_000);
});

describe("auto-encoders", () => {
  test.each([
    ["da", ["--epochs", "1", "--hidden", "8"], /\nTraining epoch 0, cost {2}\d+\.\d+\nThe no corruption code .*\nTraining epoch 0, cost {2}\d+\.\d+\nThe 30% corruption code /, ["filters_corruption_0.png", "filters_corruption_30.png"], 2],
    ["ca", ["--epochs", "1", "--hidden", "8", "--contraction", "0.2"], /^Settings: .*contraction 0\.2 \(article: 0\.1\)[\s\S]*\nTraining epoch 0, reconstruction cost {2}\d+\.\d+ {2}jacobian norm {2}\d+\.\d+ \(/, ["cae_filters.png"], 1],
  ] as const)("%s trains and draws its filters", async (name, options, lines, pictures, functions) => {
    const r = await damo(name, ...FEW, ...CPU, ...options, "--out", name);
    expect([r.status, r.err]).toEqual([0, expect.not.stringContaining("error:")]);
    expect(r.out).toMatch(lines);
    expect(r.out.match(/: \d+ kernels, \d+ launches per call/g)).toHaveLength(functions);
    expect((await readdir(join(folder, name))).sort()).toEqual([...pictures, "checkpoint.npz"].sort());
  }, 120_000);
});

describe("recurrent programs", () => {
  test.each([
    ["rnnrbm", ["--train-size", "2", "--epochs", "2", "--hidden", "8", "--recurrent", "4", "--samples", "1"], /\nEpoch 1\/2\n-\d+\.\d+\nEpoch 2\/2\n/, ["checkpoint.npz", "rnnrbm.npz", "sample1.mid", "sample1.png"], 2],
    ["rnnslu", ["--train-size", "12", "--valid-size", "4", "--test-size", "4", "--epochs", "1", "--hidden", "8", "--embedding", "6", "--win", "3"], /\nBEST RESULT: epoch 0 /, ["best_model.npz", "checkpoint.npz"], 2],
    ["lstm", ["--train-size", "40", "--test-size", "8", "--epochs", "1", "--dim", "4", "--words", "40", "--encoder", "gru"], /\nTrain \d\.\d+ Valid \d\.\d+ Test \d\.\d+\nThe code run for 1 epochs/, ["best_model.npz", "checkpoint.npz"], 2],
    ["hmc", ["--burnin", "5", "--samples", "6", "--dim", "3"], /\nfinal stepsize \d\.\d+\nfinal acceptance_rate \d\.\d+\n/, ["samples.npz"], 1],
  ] as const)("%s", async (name, options, says, files, functions) => {
    const r = await damo(name, "--device", "wasm", ...options, "--out", name);
    expect([r.status, r.err]).toEqual([0, expect.not.stringContaining("error:")]);
    expect(r.out).toMatch(says);
    expect(r.out.match(/: \d+ kernels, (at least )?\d+ launches per call/g)).toHaveLength(functions);
    expect((await readdir(join(folder, name))).sort()).toEqual(files);
  }, 120_000);
});

describe("mistakes", () => {
  test.each([
    [["rbm", "--epochs", "0"], /whole number of at least 1/],
    [["rbm", "--lr", "-1"], /positive number/],
    [["sda", "--corruption", "0.1,2"], /number from 0 to 1/],
    [["logistic-cg", "--lr", "0.1"], /unknown option '--lr'/],
    [["rbm", "--seed", "x"], /0 to 4294967295/],
    [["rbm", "--floatX", "float16"], /Allowed choices are float32, float64/],
    [["rbm", "--dataset", "nowhere"], /\[dataset-name\]/],
    [["rbm", "--device", "abacus"], /abacus/],
    [["rnnrbm", "--device", "wasm", "--dataset", "nowhere"], /\[midi-folder\]/],
    [["rnnslu", "--device", "wasm", "--dataset", "nowhere"], /\[file-read\]/],
    [["rnnslu", "--device", "wasm", "--win", "4", "--train-size", "5"], /\[contextwin-even\]/],
    [["lstm", "--encoder", "transformer"], /Allowed choices are lstm, gru/],
    [["predict", "--model", "none.npz"], /\[file-read\]/],
    [["teach"], /unknown command/],
  ])("%j", async (args, message) => {
    const r = await damo(...args, ...(args.length > 1 ? ["--out", "mistakes"] : []));
    expect(r.status).toBe(1);
    expect(r.err).toMatch(message);
    expect(r.err).not.toMatch(/\n\s+at \S+ \(file:/);
  }, 60_000);
});
