/**
 * A Plan: everything one call does on a device, as steps over numbered slots. Loops are steps, so nothing returns to the host inside a scan.
 * Its printed text is pinned in tests. Must not know graphs or devices. Next: backend.ts, which turns a Plan into an executable.
 */
import { byteSize, type DType, formatType, sizeOf, type TypedArray } from "./dtype.js";
import { type Expr, postorder } from "./expr.js";
import { type BufferType, type Kernel, printInline } from "./kernel.js";

/** A buffer of the plan. */
export interface Slot extends BufferType {
  /** The user's name or the op that made it, for prints and profiles. */
  readonly label: string;
  /**
   * Leading axis counts the iterations of a loop: written a row at a time (`Write.row`), read by row inside loops (`Read.row`) or whole after.
   * A device that cannot write into part of a buffer keeps one buffer per row.
   */
  readonly stacked: boolean;
}

/** How a launch sees a slot: whole, or, for stacked slots, one row (then the kernel's parameter has the row's shape). */
export interface SlotRef {
  readonly slot: number;
  /** An int expression over plan scalars; null is the whole slot. */
  readonly row: Expr | null;
}

/** What a step is for: the op whose result it makes, and the user's line; for profiles. */
export interface Purpose { readonly op: string; readonly line: { toString(): string } }

export interface Launch {
  readonly kind: "launch";
  readonly purpose?: Purpose;
  readonly kernel: Kernel;
  /** For each buffer parameter. A launch never reads a slot that it writes, except rows it has written before. */
  readonly reads: readonly SlotRef[];
  /** For each scalar parameter: an expression over plan scalars. */
  readonly scalars: readonly Expr[];
  /** For each result. */
  readonly writes: readonly SlotRef[];
}

/** Values that a loop hands from one iteration to the next. */
export interface Carry {
  /** Read once, before the first iteration. */
  readonly init: number;
  /** What the body reads. */
  readonly current: number;
  /** What the body writes; becomes `current` for the next iteration. May equal a slot that is also `current` of another carry (a shift). */
  readonly next: number;
  /** What is read after the loop: `next` of the last iteration, or `init` when there was none. */
  readonly final: number;
}

export interface Loop {
  readonly kind: "loop";
  /** Number of iterations, an int expression over plan scalars. */
  readonly count: Expr;
  /** The plan scalar that counts iterations from 0 inside the body. */
  readonly index: number;
  readonly carries: readonly Carry[];
  readonly body: readonly Step[];
}

/** Work that is not a kernel: done on the host by `run`, or natively by a backend that knows its name. */
export interface Routine {
  readonly name: string;
  /** Parameters, for prints and cache keys. */
  readonly config: string;
  /** Fills the outputs from the inputs; row-major host arrays of the slots' dtypes. Must not change its inputs. */
  readonly run: (inputs: readonly HostBuffer[], outputs: readonly HostBuffer[], scalars: readonly number[]) => void;
}

/** The routine of long draws: states [S,6] -> the next states, and uniforms in (0, 1] of any shape and number, number i from stream i mod S. */
export const MRG_UNIFORM = "mrg31k3p.uniform";

export interface HostBuffer { readonly data: TypedArray; readonly shape: readonly number[]; readonly dtype: DType }

export interface RoutineStep {
  readonly kind: "routine";
  readonly purpose?: Purpose;
  readonly routine: Routine;
  readonly reads: readonly SlotRef[];
  readonly scalars: readonly Expr[];
  readonly writes: readonly SlotRef[];
}

export type Step = Launch | Loop | RoutineStep;

export interface Plan {
  readonly slots: readonly Slot[];
  /** dtypes of the plan scalars; the first `scalarInputs` are given by each call, the others are loop indices. */
  readonly scalars: readonly DType[];
  readonly scalarInputs: number;
  /** Slots filled by the caller before the run, in order. */
  readonly inputs: readonly number[];
  /** Slots filled once, when the plan is compiled. */
  readonly constants: readonly { readonly slot: number; readonly data: TypedArray }[];
  readonly steps: readonly Step[];
  /** Slots handed to the caller after the run, in order; may repeat, and may be inputs or constants. */
  readonly outputs: readonly number[];
  /** For each output, the position of the input whose next value it is, or null: a call may let it have the input's buffer (backend.ts). */
  readonly renews?: readonly (number | null)[];
  readonly text: string;
}

/** Kernel launches and routines in one call, loops counted once per iteration where the count is constant (else once, reported apart). */
export interface KernelCount {
  /** Distinct launches in the text. */
  readonly distinct: number;
  /** Launches per call. */
  readonly launches: number;
  /** False where some loop's count is only known at the call; then each such loop counts one iteration. */
  readonly exact: boolean;
}

export function countKernels(steps: readonly Step[]): KernelCount {
  let distinct = 0;
  let launches = 0;
  let exact = true;
  for (const s of steps) {
    if (s.kind !== "loop") {
      distinct++;
      launches++;
      continue;
    }
    const inner = countKernels(s.body);
    distinct += inner.distinct;
    launches += inner.launches * (s.count.kind === "const" ? s.count.value : 1);
    exact &&= inner.exact && s.count.kind === "const";
  }
  return { distinct, launches, exact };
}

/** A step, or a part of one, as profiles show it. */
export interface TimedStep {
  /** `launch`, `reduction`, `routine`, or `copy` for what belongs to no step. */
  readonly kind: "launch" | "reduction" | "routine" | "copy";
  readonly op: string;
  /** What it stores: `cost: float32[]`, and how. */
  readonly label: string;
  readonly line: string;
  /** Bytes that it writes. */
  readonly bytes: number;
}

/** `how`: which part of a step, or how it is computed. */
export function timedStep(step: Launch | RoutineStep | null, slots: readonly Slot[], how: string): TimedStep {
  if (step === null) return { kind: "copy", op: "copy", label: how, line: "", bytes: 0 };
  const types = step.writes.map(({ slot, row }) => {
    const { label, dtype, shape } = slots[slot] as Slot;
    return { label, dtype, shape: row ? shape.slice(1) : shape };
  });
  const kind = step.kind === "routine" ? "routine" : step.kernel.reduction === null ? "launch" : "reduction";
  const op = step.purpose?.op ?? (step.kind === "routine" ? step.routine.name : "kernel");
  const label = `${types.map((t) => `${t.label}: ${formatType(t.dtype, t.shape)}`).join(", ")}${how === "" ? "" : ` (${how})`}`;
  return { kind, op, label, line: String(step.purpose?.line ?? ""), bytes: types.reduce((sum, t) => sum + byteSize(t.dtype) * sizeOf(t.shape), 0) };
}

/** Completes a plan with its text. */
export function finishPlan(plan: Omit<Plan, "text">): Plan {
  return { ...plan, text: printPlan(plan) };
}

const printRef = (r: SlotRef): string => `%${r.slot}${r.row ? `[${printInline(r.row)}]` : ""}`;

export function printPlan(plan: Omit<Plan, "text">): string {
  const lines = plan.slots.map((s, n) => `%${n}: ${formatType(s.dtype, s.shape)}${s.stacked ? " stacked" : ""}  ${s.label}`);
  lines.push(`inputs ${plan.inputs.map((s) => `%${s}`).join(" ")} scalars ${plan.scalars.slice(0, plan.scalarInputs).map((d, n) => `s${n}:${d}`).join(" ")}`.trimEnd());
  for (const c of plan.constants) lines.push(`constant %${c.slot} = ${printConstant(c.data)}`);
  printSteps(plan.steps, "", lines);
  lines.push(`outputs ${plan.outputs.map((s) => `%${s}`).join(" ")}`.trimEnd());
  return lines.join("\n");
}

const printConstant = (data: TypedArray): string =>
  data.length <= 8 ? `[${[...data].join(", ")}]` : data.every((x) => Object.is(x, data[0])) ? `${data.length} times ${data[0]}` : `${data.length} values`;

function printSteps(steps: readonly Step[], pad: string, lines: string[]): void {
  for (const s of steps) {
    if (s.kind === "loop") {
      lines.push(`${pad}loop s${s.index} < ${printInline(s.count)}${s.carries.map((c) => ` (%${c.init} -> %${c.current} <- %${c.next} -> %${c.final})`).join("")}`);
      printSteps(s.body, `${pad}  `, lines);
      continue;
    }
    const args = [...s.reads.map(printRef), ...s.scalars.map(printInline)].join(", ");
    const head = s.kind === "launch" ? "launch" : `routine ${s.routine.name} ${s.routine.config}`.trimEnd();
    lines.push(`${pad}${s.writes.map(printRef).join(", ")} = ${head}(${args})`);
    if (s.kind === "launch") lines.push(...s.kernel.text.split("\n").map((l) => `${pad}  ${l}`));
  }
}

/** The steps in order, loop bodies included, each once. */
export function* allSteps(steps: readonly Step[]): Generator<Step> {
  for (const s of steps) {
    yield s;
    if (s.kind === "loop") yield* allSteps(s.body);
  }
}

/** Plan scalars that an expression reads. */
export const scalarsIn = (e: Expr): number[] => postorder([e]).flatMap((x) => (x.kind === "scalar" ? [x.id] : []));
