/** The fuzzing command: counts what it runs, goes on from a seed, reports failures that can be shown again. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { graphs } from "damo/testing";
import { type Check, CHECKS, fuzz, replay, reportText } from "../../scripts/fuzz/run.js";

const how = { devices: ["reference"], modes: ["fast_run"] } as const;

test("runs every check in turn, and the report adds up", async () => {
  const seen: number[] = [];
  const report = await fuzz({ ...how, graphs: 10, seed: 5, batch: 2, onBatch: (r) => seen.push(r.nextSeed) });
  expect(Object.values(report.runs)).toEqual([2, 2, 2, 2, 2]);
  expect(Object.keys(report.runs).sort()).toEqual(CHECKS.map((c) => c.name).sort());
  expect([report.firstSeed, report.nextSeed, seen, report.failures]).toEqual([5, 10, [6, 7, 8, 9, 10], []]);
  expect(Object.keys(report.ops).length).toBeGreaterThan(5);
  const text = reportText(report);
  expect(text).toContain("10 random graphs on reference in modes fast_run");
  expect(text).toContain("continue with --seed 10");
}, 120_000);

/** Fails for graphs of more than one output. */
const wrong: Check = {
  name: "one output", cases: graphs({ kinds: ["elementwise"], maxSteps: 5 }),
  run: (c) => (c.outputs.length > 1 ? Promise.reject(new Error("two outputs")) : Promise.resolve()),
};

test("failures are shrunk, named by seed and path, and come again", async () => {
  const report = await fuzz({ ...how, graphs: 40, seed: 1, batch: 20, checks: [wrong] });
  const [first] = report.failures;
  expect(first).toMatchObject({ check: "one output", message: expect.stringContaining("two outputs") });
  expect(reportText(report)).toContain(`--seed ${first!.seed} --path ${first!.path}`);
  expect(first!.shown).toContain("await backendParity(graph);");
  await expect(replay({ ...how, seed: first!.seed, path: first!.path, checks: [wrong] })).rejects.toMatchObject({ cause: { message: "two outputs" } });
  const same = fc.sample(wrong.cases, { seed: 1, numRuns: 3 }).map(String);
  expect(fc.sample(wrong.cases, { seed: 1, numRuns: 3 }).map(String)).toEqual(same);
});

test("stops when told to, between batches", async () => {
  const stop = new AbortController();
  const report = await fuzz({ ...how, graphs: 1000, seed: 1, batch: 3, checks: [{ ...wrong, run: () => Promise.resolve() }], signal: stop.signal, onBatch: () => stop.abort() });
  expect([report.runs["one output"], report.nextSeed]).toEqual([3, 2]);
});

test("hears of signals on devices that answer at once", async () => {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 0);
  const report = await fuzz({ ...how, graphs: 100_000, seed: 1, batch: 3, checks: [{ ...wrong, run: () => Promise.resolve() }], signal: stop.signal });
  expect(report.runs["one output"]).toBeLessThan(100_000);
});

test("a device that cannot be had is no finding", async () => {
  await expect(fuzz({ ...how, devices: ["abacus"], graphs: 2, seed: 1, batch: 1 })).rejects.toThrow("cannot be had here: abacus");
});
