/**
 * A step along a line that satisfies the strong Wolfe conditions, found as MINPACK-2 does (Moré and Thuente 1994, "Line search algorithms with
 * guaranteed sufficient decrease", ACM TOMS 20), for functions that are computed asynchronously. Must not know what is minimised.
 * Next: wolfe_zoom.ts searches where a step must satisfy something more.
 */

/** A function and its derivative at a step. */
export interface Point {
  readonly step: number;
  readonly value: number;
  readonly slope: number;
}

export interface LineSearchOptions {
  /** The step to try first. */
  readonly first: number;
  /** Sufficient decrease: value <= value at 0 + c1 step slope at 0. */
  readonly c1: number;
  /** Curvature: |slope| <= c2 |slope at 0|. */
  readonly c2: number;
  readonly least: number;
  readonly most: number;
}

const MAX_EVALUATIONS = 100;
/** Without a bracket, the next step is sought between these multiples of the way from the best step to this one. */
const EXTRAPOLATION = [1.1, 4] as const;
/** A bracket that did not shrink by this factor is halved, and a step in it goes no further than this part of the way. */
const SHRINK = 0.66;
/** A bracket whose relative width is below this has no step left in it. */
const WIDTH = 1e-14;

const clamp = (x: number, least: number, most: number): number => Math.max(least, Math.min(x, most));

/** The minimum of the cubic through both points, as a part of the way from `from` to `to`; `turns` is 0 where it has none. */
function cubic(from: Point, to: Point): { readonly part: number; readonly turns: number } {
  const theta = (3 * (from.value - to.value)) / (to.step - from.step) + from.slope + to.slope;
  const s = Math.max(Math.abs(theta), Math.abs(from.slope), Math.abs(to.slope));
  const root = s * Math.sqrt(Math.max(0, (theta / s) ** 2 - (from.slope / s) * (to.slope / s)));
  const turns = to.step < from.step ? -root : root;
  return { part: (turns - from.slope + theta) / (turns - from.slope + turns + to.slope), turns };
}

const cubicStep = (from: Point, to: Point): number => from.step + cubic(from, to).part * (to.step - from.step);
/** The minimum of the parabola with both slopes. */
const secantStep = (from: Point, to: Point): number => from.step + (from.slope / (from.slope - to.slope)) * (to.step - from.step);
/** The minimum of the parabola with both values and the first slope. */
export const parabolaStep = (from: Point, to: Point): number =>
  from.step + (from.slope / ((from.value - to.value) / (to.step - from.step) + from.slope) / 2) * (to.step - from.step);

/** The step of least value so far, the other end of the interval, and whether a minimum is known to be between them. */
interface Interval {
  readonly best: Point;
  readonly other: Point;
  readonly bracketed: boolean;
}

/** Where to try next, by the four cases of section 4 of the article. */
function nextTrial({ best, other, bracketed }: Interval, trial: Point, [least, most]: readonly [number, number]): { readonly step: number; readonly brackets: boolean } {
  if (trial.value > best.value) {
    const [c, q] = [cubicStep(best, trial), parabolaStep(best, trial)];
    return { step: Math.abs(c - best.step) < Math.abs(q - best.step) ? c : c + (q - c) / 2, brackets: true };
  }
  if (trial.slope * Math.sign(best.slope) < 0) {
    const [c, q] = [cubicStep(trial, best), secantStep(trial, best)];
    return { step: Math.abs(c - trial.step) > Math.abs(q - trial.step) ? c : q, brackets: true };
  }
  if (Math.abs(trial.slope) < Math.abs(best.slope)) {
    const { part, turns } = cubic(trial, best);
    // The cubic is used only if it goes to infinity in the direction of the step.
    const c = part < 0 && turns !== 0 ? trial.step + part * (best.step - trial.step) : trial.step > best.step ? most : least;
    const q = secantStep(trial, best);
    const cubicIsCloser = Math.abs(c - trial.step) < Math.abs(q - trial.step);
    if (!bracketed) return { step: clamp(cubicIsCloser ? q : c, least, most), brackets: false };
    const limit = trial.step + SHRINK * (other.step - trial.step);
    const step = cubicIsCloser ? c : q;
    return { step: trial.step > best.step ? Math.min(limit, step) : Math.max(limit, step), brackets: false };
  }
  if (bracketed) return { step: cubicStep(trial, other), brackets: false };
  return { step: trial.step > best.step ? most : least, brackets: false };
}

/** The interval with the trial as one end. */
function updated({ best, other }: Interval, trial: Point, bracketed: boolean): Interval {
  if (trial.value > best.value) return { best, other: trial, bracketed };
  return { best: trial, other: trial.slope * Math.sign(best.slope) < 0 ? best : other, bracketed };
}

/** The function minus the line of sufficient decrease, which has a minimum where the conditions hold. */
const below = ({ step, value, slope }: Point, decrease: number): Point => ({ step, value: value - step * decrease, slope: slope - decrease });

/** A point of `at` that satisfies the conditions, from its value and (negative) slope at 0; null where none is found. */
export async function strongWolfe<P extends Point>(at: (step: number) => Promise<P>, start: Point, { first, c1, c2, least, most }: LineSearchOptions): Promise<P | null> {
  const decrease = c1 * start.slope;
  let interval: Interval = { best: start, other: start, bracketed: false };
  let bounds: readonly [number, number] = [0, first + EXTRAPOLATION[1] * first];
  let widths: readonly [number, number] = [most - least, 2 * (most - least)];
  let modified = true;
  let step = clamp(first, least, most);
  for (let n = 0; n < MAX_EVALUATIONS; n++) {
    const trial = await at(step);
    const enough = trial.value <= start.value + step * decrease;
    if (enough && Math.abs(trial.slope) <= c2 * -start.slope) return trial;
    if (modified && enough && trial.slope >= 0) modified = false;
    const { bracketed } = interval;
    if (bracketed && (step <= bounds[0] || step >= bounds[1] || bounds[1] - bounds[0] <= WIDTH * bounds[1])) return null;
    if ((step === most && enough && trial.slope <= decrease) || (step === least && (!enough || trial.slope >= decrease)) || Number.isNaN(trial.value)) return null;

    const seen = modified && trial.value <= interval.best.value && !enough ? decrease : 0;
    const view: Interval = { ...interval, best: below(interval.best, seen), other: below(interval.other, seen) };
    const next = nextTrial(view, below(trial, seen), bounds);
    const after = updated(view, below(trial, seen), bracketed || next.brackets);
    interval = { ...after, best: below(after.best, -seen), other: below(after.other, -seen) };
    step = next.step;
    const { best, other } = interval;
    if (interval.bracketed) {
      const width = Math.abs(other.step - best.step);
      if (width >= SHRINK * widths[1]) step = best.step + (other.step - best.step) / 2;
      widths = [width, widths[0]];
      bounds = [Math.min(best.step, other.step), Math.max(best.step, other.step)];
    } else {
      bounds = [step + EXTRAPOLATION[0] * (step - best.step), step + EXTRAPOLATION[1] * (step - best.step)];
    }
    step = clamp(step, least, most);
    if (interval.bracketed && (step <= bounds[0] || step >= bounds[1] || bounds[1] - bounds[0] <= WIDTH * bounds[1])) step = best.step;
  }
  return null;
}
