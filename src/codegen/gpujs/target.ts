/**
 * What the generated source may rely on in each of gpu.js' modes, found by measuring gpu.js 2.24. Must not know devices at run time.
 * Next: render.ts writes source for a target, device_*.ts run it.
 */

export type TargetName = "cpu" | "webasm" | "gl" | "webgpu";

export interface Target {
  readonly name: TargetName;
  /** All buffers lie in one memory `m`; each buffer argument is the integer where it begins. Else each is an array of its own. */
  readonly arena: boolean;
  /** One-dimensional launches; else x is the last axis and y the axes before it. */
  readonly flat: boolean;
  /**
   * For reductions at least this long a cell may return several rows as Array(n): the loads that they share are done once, and the device
   * puts the rows in order after. On cpu each cell then makes a JavaScript array, which only long loops pay for.
   */
  readonly tileFrom: number;
  /** Accumulators of an untiled sum: JS engines wait for each addition otherwise. */
  readonly accumulators: number;
  /** Math.max and Math.min give NaN when either argument is; on GPUs they drop it. */
  readonly nanMax: boolean;
  /** Long parts of the epilogue of a reduction at least this long get a launch of their own (peel.ts). */
  readonly peelFrom: number;
  /** Random states are kept by columns (ir/wide.ts) in plans whose kernels then still find enough buffer parameters. */
  readonly columns: boolean;
  /** Buffer parameters held back for the second halves of random states. */
  readonly reserve: number;
  /** Long reductions are done in two stages (stages.ts). */
  readonly stages: boolean;
  /** Math.log1p, expm1, tanh and the inverse trigonometric functions are good to float32. */
  readonly goodMath: boolean;
  /** Math.sin and cos too. */
  readonly goodTrig: boolean;
  /** Math.pow of a negative base is right. */
  readonly signedPow: boolean;
  /** A float assigned to an integer variable must be converted by `toInt`, which the device adds as a native function. */
  readonly toInt: boolean;
  /** Arithmetic inside a kernel is float64. */
  readonly float64: boolean;
}

export const TARGETS: Readonly<Record<TargetName, Target>> = {
  cpu: {
    name: "cpu", arena: false, flat: true, tileFrom: 128, peelFrom: 128, accumulators: 4, nanMax: true, columns: true, reserve: 24, stages: false,
    goodMath: true, goodTrig: true, signedPow: true, toInt: false, float64: true,
  },
  webasm: {
    name: "webasm", arena: true, flat: false, tileFrom: 8, peelFrom: 8, accumulators: 1, nanMax: true, columns: true, reserve: 24, stages: false,
    goodMath: true, goodTrig: true, signedPow: true, toInt: false, float64: false,
  },
  gl: {
    name: "gl", arena: false, flat: true, tileFrom: 16, peelFrom: 16, accumulators: 1, nanMax: false, columns: true, reserve: 1, stages: true,
    goodMath: false, goodTrig: true, signedPow: false, toInt: true, float64: false,
  },
  webgpu: {
    name: "webgpu", arena: false, flat: false, tileFrom: Number.POSITIVE_INFINITY, peelFrom: Number.POSITIVE_INFINITY, accumulators: 1, nanMax: false, columns: false, reserve: 1, stages: true,
    goodMath: false, goodTrig: false, signedPow: false, toInt: false, float64: false,
  },
};
