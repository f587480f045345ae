/**
 * f.explain(): which device ran and why, kernels, bytes, rewrites, times, the plan. Must not know graphs or concrete devices: it reports what
 * program.ts and the executable say.
 */
import { byteSize } from "../codegen/ir/dtype.js";
import type { BufferType } from "../codegen/ir/kernel.js";
import { countKernels, type KernelCount, type Plan } from "../codegen/ir/plan.js";
import { sizeOf } from "../numpy/ndarray.js";
import type { Program, Times } from "./program.js";

/** What ran, where and why. Prints as text. */
export interface Explanation {
  readonly device: string;
  readonly reason: string;
  readonly description: string;
  /** Null before the first call. */
  readonly kernels: KernelCount | null;
  readonly plan: string;
  readonly sources: readonly string[];
  readonly notes: readonly string[];
  /** What the device says of how it runs the plan: threads, SIMD, why something is slower than it could be. */
  readonly report: readonly string[];
  /** Bytes on the device in a call, by what they are for: `inputs`, `outputs`, `constants`, and what the device needs besides (`scratch`, `packings`). */
  readonly bytes: Readonly<Record<string, number>>;
  readonly rewrites: Readonly<Record<string, number>>;
  /** Milliseconds, from compile() to the first result in order; see Times. */
  readonly times: Times;
  toString(): string;
}

/** `reason`: why no device runs the function, where that is so. */
export function explain(program: Program, asked: string, reason: string | null = null): Explanation {
  const { last, lastDevice, report, times } = program;
  const made = {
    device: reason === null ? (lastDevice?.backend.name ?? asked) : "interpreter",
    reason: reason ?? lastDevice?.reason ?? "not called yet",
    description: lastDevice?.backend.caps.description ?? "",
    kernels: last ? countKernels(last.made.plan.steps) : null,
    plan: last?.made.plan.text ?? "",
    sources: last?.executable.sources() ?? [],
    notes: last?.made.notes ?? [],
    report: last?.executable.report?.() ?? [],
    bytes: bytesOfCall(program),
    rewrites: Object.fromEntries([...report.rules].flatMap(([name, { fired }]) => (fired > 0 ? [[name, fired]] : []))),
    times: { ...times },
  };
  return { ...made, toString: () => explanationText(made) };
}

/** Of the last call. */
export const bytesOfCall = ({ last }: Program): Readonly<Record<string, number>> => (last ? { ...planBytes(last.made.plan), ...last.executable.bytes?.() } : {});

function planBytes({ slots, inputs, outputs, constants }: Plan): Record<string, number> {
  const total = (of: readonly number[]): number => of.reduce((sum, n) => sum + bytesOf(slots[n] as BufferType), 0);
  return { inputs: total(inputs), outputs: total(outputs), constants: total(constants.map((c) => c.slot)) };
}

const bytesOf = ({ dtype, shape }: BufferType): number => byteSize(dtype) * sizeOf(shape);

/** `1.5 MB`, to three digits. */
export function showBytes(n: number): string {
  const unit = [...UNITS].reverse().find((u) => n >= u.bytes);
  return unit === undefined ? `${n} B` : `${Number((n / unit.bytes).toPrecision(3))} ${unit.name}`;
}

const UNITS = [{ name: "KB", bytes: 1e3 }, { name: "MB", bytes: 1e6 }, { name: "GB", bytes: 1e9 }] as const;

function explanationText(e: Omit<Explanation, "toString">): string {
  const fired = Object.entries(e.rewrites).sort(([, a], [, b]) => b - a).map(([n, c]) => `${n} x${c}`).join(", ");
  return [
    `device: ${e.device}${e.description === "" ? "" : ` (${e.description})`}: ${e.reason}`,
    e.kernels ? `kernels: ${e.kernels.distinct} in the plan, ${e.kernels.exact ? "" : "at least "}${e.kernels.launches} launches per call` : "kernels: no call yet",
    ...e.notes.map((n) => `note: ${n}`),
    ...e.report.map((r) => `${e.device}: ${r}`),
    ...(e.kernels ? [`bytes: ${Object.entries(e.bytes).map(([n, b]) => `${n} ${showBytes(b)}`).join(", ")}`] : []),
    `rewrites: ${fired || "none"}`,
    `times (ms): ${Object.entries(e.times).map(([n, t]) => `${n} ${t.toFixed(1)}`).join(", ")}`,
    e.plan,
  ].join("\n");
}
