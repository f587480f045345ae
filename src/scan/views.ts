/**
 * Loops that scan says more shortly: map, reduce, foldl, foldr (theano/scan_module/scan_views.py). Must not know how a loop is made: scan.ts does.
 */
import { get } from "../ops/indexing.js";
import { Variable } from "../graph/variable.js";
import type { Updates } from "../graph/updates.js";
import { scan, type ScanOptions, type ScanOutputs } from "./scan.js";
import type { StepReturn } from "./step.js";

/** What `map` takes beside the step. */
export type MapRest = Pick<ScanOptions, "sequences" | "nonSequences" | "truncateGradient" | "goBackwards" | "strict" | "name" | "mode">;
/** What `reduce` takes beside the step: `outputsInfo` is what it starts from. */
export type ReduceRest = MapRest & Pick<ScanOptions, "outputsInfo">;
/** The folds know their direction. */
export type FoldRest = Omit<ReduceRest, "goBackwards">;

type StepOf<R extends StepReturn> = ScanOptions<R>["fn"];
/** The step and the rest, or all by name. */
type Given<R extends StepReturn, Rest> = readonly [fn: StepOf<R>, rest: Rest] | readonly [all: Rest & { readonly fn: StepOf<R> }];
type Looped<R> = [outputs: ScanOutputs<R, false>, updates: Updates];

const read = <R extends StepReturn, Rest>(given: Given<R, Rest>): ScanOptions<R, false> =>
  (typeof given[0] === "function" ? { ...given[1], fn: given[0] } : given[0]) as ScanOptions<R, false>;

/** The results for each row of the sequences: `map((row) => row.norm(2), { sequences: x })`. Returns and errors as `scan`. */
export const map = <const R extends StepReturn>(...given: Given<R, MapRest>): Looped<R> => scan({ ...read(given), outputsInfo: undefined, nSteps: undefined });

/** The last results of a loop that feeds them back: `reduce((row, sum) => sum.add(row), { sequences: x, outputsInfo: T.zeros([3]) })`. Returns and errors as `scan`. */
export function reduce<const R extends StepReturn>(...given: Given<R, ReduceRest>): Looped<R> {
  const [outputs, updates] = scan({ ...read(given), nSteps: undefined });
  const last = (v: Variable): Variable => get(v, -1);
  const found: unknown = outputs;
  return [(found instanceof Variable ? last(found) : Array.isArray(found) ? (found as Variable[]).map(last) : found) as ScanOutputs<R, false>, updates];
}

/** `reduce` from the first row to the last. */
export const foldl = <const R extends StepReturn>(...given: Given<R, FoldRest>): Looped<R> => reduce({ ...read(given), goBackwards: false });
/** `reduce` from the last row to the first. */
export const foldr = <const R extends StepReturn>(...given: Given<R, FoldRest>): Looped<R> => reduce({ ...read(given), goBackwards: true });
