/**
 * A step along a line that satisfies the strong Wolfe conditions and one more, which the caller tests: algorithms 3.5 and 3.6 of Nocedal and Wright,
 * "Numerical Optimization", with SciPy's interpolations. Must not know what is minimised.
 */
import { type LineSearchOptions, parabolaStep, type Point } from "./line_search.js";

/** Doublings of the step, and steps inside of a bracket. */
const MAX_TRIALS = 10;

interface Search<P extends Point> {
  readonly at: (step: number) => Promise<P>;
  readonly start: Point;
  readonly enough: (point: Point) => boolean;
  readonly accepted: (point: P) => boolean;
}

/** The minimum of the cubic through three points with the first one's slope; not finite where it has none. */
function cubicStep(from: Point, b: Point, c: Point): number {
  const [db, dc] = [b.step - from.step, c.step - from.step];
  const [rb, rc] = [b.value - from.value - from.slope * db, c.value - from.value - from.slope * dc];
  const scale = (db * dc) ** 2 * (db - dc);
  const A = (dc ** 2 * rb - db ** 2 * rc) / scale;
  const B = (db ** 3 * rc - dc ** 3 * rb) / scale;
  return from.step + (Math.sqrt(B * B - 3 * A * from.slope) - B) / (3 * A);
}

/** Whether a step is between both ends, away from them by a part of the way (which SciPy signs by its direction). */
function inside(step: number, low: Point, high: Point, part: number): boolean {
  const margin = part * (high.step - low.step);
  return Number.isFinite(step) && step >= Math.min(low.step, high.step) + margin && step <= Math.max(low.step, high.step) - margin;
}

/** The cubic's minimum, the parabola's, or the middle: the first that is well inside. */
function between(low: Point, high: Point, recent: Point | null): number {
  const cubic = recent === null ? Number.NaN : cubicStep(low, high, recent);
  if (inside(cubic, low, high, 0.2)) return cubic;
  const parabola = parabolaStep(low, high);
  return inside(parabola, low, high, 0.1) ? parabola : low.step + (high.step - low.step) / 2;
}

/** A step between `low`, the one of least value that decreases enough, and `high`. */
async function zoom<P extends Point>({ at, start, enough, accepted }: Search<P>, low: Point, high: Point): Promise<P | null> {
  let recent = start;
  for (let n = 0; n <= MAX_TRIALS; n++) {
    const trial = await at(between(low, high, n > 0 ? recent : null));
    if (!enough(trial) || trial.value >= low.value) {
      [recent, high] = [high, trial];
      continue;
    }
    if (accepted(trial)) return trial;
    const turned = trial.slope * (high.step - low.step) >= 0;
    recent = turned ? high : low;
    if (turned) high = low;
    low = trial;
  }
  return null;
}

/** A point of `at` that satisfies the conditions and `accept`, from its value and (negative) slope at 0; null where none is found. */
export async function zoomingWolfe<P extends Point>(at: (step: number) => Promise<P>, start: Point, { first, c1, c2 }: Pick<LineSearchOptions, "first" | "c1" | "c2">, accept: (point: P) => boolean): Promise<P | null> {
  const search: Search<P> = {
    at, start,
    enough: ({ step, value }) => value <= start.value + c1 * step * start.slope,
    accepted: (point) => Math.abs(point.slope) <= -c2 * start.slope && accept(point),
  };
  let last = start;
  let step = first;
  for (let n = 0; n < MAX_TRIALS && step !== 0; n++) {
    const trial = await at(step);
    if (!search.enough(trial) || (n > 0 && trial.value >= last.value)) return zoom(search, last, trial);
    if (search.accepted(trial)) return trial;
    if (trial.slope >= 0) return zoom(search, trial, last);
    last = trial;
    step *= 2;
  }
  return null;
}
