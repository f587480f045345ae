/**
 * Random graphs and functions over devices in batches, each from a seed of its own, so that a run can be continued and a failure shown again. Must not
 * know the command line (scripts/fuzz.ts).
 */
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import "damo";
import type { Apply, Variable } from "damo";
import { availableDevices, backendParity, functionParity, functions, type GeneratedFunction, type GeneratedGraph, graphs, type Mode } from "damo/testing";

type Case = GeneratedGraph | GeneratedFunction;
interface How { readonly devices: readonly string[]; readonly modes: readonly Mode[] }
export interface Check { readonly name: string; readonly cases: fc.Arbitrary<Case>; run(c: Case, how: How): Promise<void> }

const parity = (c: GeneratedGraph, how: How): Promise<void> => backendParity(c, how);

/** What is run, in turn: one batch each. */
export const CHECKS: readonly Check[] = [
  { name: "graphs", cases: graphs(), run: parity },
  { name: "functions with updates", cases: functions({ maxSteps: 6 }), run: (c: GeneratedFunction, how) => functionParity(c, how) },
  { name: "gradients", cases: graphs({ kinds: ["elementwise", "reduce", "dot", "view", "index", "join", "softmax", "scan"], ops: (op) => op.fields.gradient !== undefined, maxSteps: 6 }), run: (c: GeneratedGraph, how) => backendParity(c.gradients(), how) },
  { name: "empty axes, fed by shared variables", cases: graphs({ empty: true, maxSteps: 6 }), run: (c: GeneratedGraph, how) => backendParity(c, { ...how, feed: "shared" }) },
  { name: "scans", cases: graphs({ kinds: ["scan", "elementwise", "index", "dot", "draw"], maxSteps: 5 }), run: parity },
];

export interface FuzzOptions extends How {
  readonly graphs: number;
  /** Seed of the first batch; the batches after it have the numbers that follow. */
  readonly seed: number;
  /** Graphs of a batch, all from one seed. */
  readonly batch: number;
  readonly checks?: readonly Check[];
  readonly signal?: AbortSignal;
  /** Called after each batch. */
  readonly onBatch?: (report: FuzzReport) => void;
}

export interface FuzzFailure { readonly check: string; readonly seed: number; readonly path: string; readonly message: string; readonly shown: string }

export interface FuzzReport {
  readonly devices: readonly string[];
  readonly modes: readonly Mode[];
  readonly firstSeed: number;
  /** The seed to continue with. */
  readonly nextSeed: number;
  readonly runs: Readonly<Record<string, number>>;
  /** How many of the generated graphs apply each op. */
  readonly ops: Readonly<Record<string, number>>;
  readonly failures: readonly FuzzFailure[];
  readonly seconds: number;
}

/** The names of the ops above some variables. */
function opsOf(outputs: readonly Variable[]): Set<string> {
  const seen = new Set<Apply>();
  for (const pending = outputs.flatMap((v) => v.owner ?? []); pending.length > 0; ) {
    const node = pending.pop() as Apply;
    if (seen.has(node)) continue;
    seen.add(node);
    pending.push(...node.inputs.flatMap((v) => v.owner ?? []));
  }
  return new Set([...seen].map((a) => a.op.name));
}

/** Runs batches until as many graphs were run as were asked for. A failure ends its batch, after fast-check has shrunk it. Throws where a device cannot be had. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const had = await availableDevices();
  const { checks = CHECKS, devices, modes } = options;
  const missing = devices.filter((d) => !had.includes(d));
  if (missing.length > 0) throw new Error(`These devices cannot be had here: ${missing.join(", ")}. There are ${had.join(", ")}.`);
  const [runs, ops, failures]: [Record<string, number>, Record<string, number>, FuzzFailure[]] = [{}, {}, []];
  const start = performance.now();
  let [done, seed] = [0, options.seed];
  const report = (): FuzzReport => ({ devices, modes, firstSeed: options.seed, nextSeed: seed, runs, ops, failures, seconds: (performance.now() - start) / 1000 });
  while (done < options.graphs && options.signal?.aborted !== true) {
    const check = checks[seed % checks.length] as Check;
    let failing = false;
    const property = fc.asyncProperty(check.cases, async (c) => {
      if (!failing) for (const op of opsOf(c.outputs)) ops[op] = (ops[op] ?? 0) + 1;
      try {
        await check.run(c, options);
      } catch (e) {
        failing = true;
        throw e;
      }
    });
    const details = await fc.check(property, { seed, numRuns: Math.min(options.batch, options.graphs - done) });
    done += details.numRuns;
    runs[check.name] = (runs[check.name] ?? 0) + details.numRuns;
    if (details.failed) {
      const error = details.errorInstance;
      failures.push({ check: check.name, seed, path: details.counterexamplePath ?? "", message: error instanceof Error ? error.message : String(error), shown: fc.stringify(details.counterexample?.[0]) });
    }
    seed++;
    options.onBatch?.(report());
    // Devices that answer at once leave the event loop no turn of its own, and signals would never arrive.
    await setImmediate();
  }
  return report();
}

/** One failure again: fast-check's path leads to the shrunk case. Throws what its check throws. */
export async function replay({ seed, path, devices, modes, checks = CHECKS }: How & { readonly seed: number; readonly path: string; readonly checks?: readonly Check[] }): Promise<void> {
  const check = checks[seed % checks.length] as Check;
  await fc.assert(fc.asyncProperty(check.cases, (c) => check.run(c, { devices, modes })), { seed, path, endOnFailure: true });
}

/** The report as Markdown. */
export function reportText(r: FuzzReport): string {
  const total = Object.values(r.runs).reduce((a, b) => a + b, 0);
  const rows = Object.entries(r.runs).map(([name, n]) => `| ${name} | ${n} | ${r.failures.filter((f) => f.check === name).length} |`);
  const failures = r.failures.map((f) => `\n## ${f.check}: --seed ${f.seed} --path ${f.path}\n\n${f.message}\n\n${f.shown}`);
  const ops = Object.entries(r.ops).sort(([, a], [, b]) => b - a);
  return [
    `${total} random graphs on ${r.devices.join(", ")} in modes ${r.modes.join(", ")}, ${ops.length} different ops, ${r.failures.length} failures, ${Math.round(r.seconds)} s.`,
    `Seeds ${r.firstSeed} to ${r.nextSeed - 1}; continue with --seed ${r.nextSeed}.`, "",
    "| what | graphs | failures |", "| --- | ---: | ---: |", ...rows, "",
    `Ops, and in how many graphs: ${ops.map(([name, n]) => `${name} ${n}`).join(", ")}.`, ...failures, "",
  ].join("\n");
}
