/**
 * What a scan node is: constants, carry, sequences -> carry, stacked outputs. Everything of Theano's scan (taps, outputsInfo, updates,
 * goBackwards) is reduced to it by scan.ts. Must not know how it is computed or differentiated. Next: parts.ts, then scan_op.ts.
 */
import type { FrozenGraph } from "../graph/function_graph.js";
import type { Params } from "../graph/op.js";

export interface ScanParams extends Params {
  /**
   * One step. Inputs: a row of each sequence, the carries, the constants. Outputs: the next carries (same types as the carries), then one
   * value per stacked output.
   */
  readonly body: FrozenGraph;
  readonly sequences: number;
  readonly carries: number;
  /** For each stacked output: all steps (a new leading axis), or only the last step's value. */
  readonly keep: readonly ("all" | "last")[];
  /** Gradients reach this many last steps back; null is all of them. */
  readonly truncate: number | null;
  readonly name: string;
}

/** The parts of a scan node's inputs: [steps (0-d int32), ...sequences (leading axis >= steps), ...initial carries, ...constants]. */
export function scanInputs<T>(inputs: readonly T[], p: ScanParams): { steps: T; sequences: readonly T[]; carries: readonly T[]; constants: readonly T[] } {
  return {
    steps: inputs[0] as T,
    sequences: inputs.slice(1, 1 + p.sequences),
    carries: inputs.slice(1 + p.sequences, 1 + p.sequences + p.carries),
    constants: inputs.slice(1 + p.sequences + p.carries),
  };
}

/** The parts of the body's inputs. */
export function bodyInputs<T>(inputs: readonly T[], p: ScanParams): { rows: readonly T[]; carries: readonly T[]; constants: readonly T[] } {
  return { rows: inputs.slice(0, p.sequences), carries: inputs.slice(p.sequences, p.sequences + p.carries), constants: inputs.slice(p.sequences + p.carries) };
}

/** The parts of a scan node's outputs (final carries, stacked outputs), or of the body's (next carries, this step's outputs). */
export function scanOutputs<T>(outputs: readonly T[], p: ScanParams): { carries: readonly T[]; stacked: readonly T[] } {
  return { carries: outputs.slice(0, p.carries), stacked: outputs.slice(p.carries) };
}
