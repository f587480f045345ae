/**
 * Minimisation by nonlinear conjugate gradients as SciPy's `optimize.fmin_cg` does it, for functions that are computed asynchronously: one iteration
 * at a time, on a state of plain numbers. Must not know models. Next: logistic_cg.ts minimises a cost with it.
 */
import { type Point, strongWolfe } from "./line_search.js";
import { zoomingWolfe } from "./wolfe_zoom.js";

export interface Objective {
  readonly f: (x: readonly number[]) => Promise<number>;
  /** The gradient, as long as x. */
  readonly fprime: (x: readonly number[]) => Promise<ArrayLike<number>>;
}

/** Where a minimisation is. An empty gradient: not begun. */
export type CgState = {
  x: number[];
  gradient: number[];
  direction: number[];
  value: number;
  previousValue: number;
};

/** A minimisation that begins at `x0`. */
export const cgStart = (x0: ArrayLike<number>): CgState => ({ x: Array.from(x0), gradient: [], direction: [], value: 0, previousValue: 0 });

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, x, i) => sum + x * (b[i] as number), 0);
/** `a + s b` */
const along = (a: readonly number[], s: number, b: readonly number[]): number[] => a.map((x, i) => x + s * (b[i] as number));
const largest = (a: readonly number[]): number => a.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

interface Trial extends Point {
  readonly x: number[];
  readonly gradient: number[];
}

/** What both searches of a step have in common: SciPy's constants, and where to begin. */
const searchOptions = ({ value, previousValue }: CgState, slope: number) => {
  const first = Math.min(1, (1.01 * 2 * (value - previousValue)) / slope);
  return { first: first < 0 ? 1 : first, c1: 1e-4, c2: 0.4, least: 1e-100, most: 1e100 };
};

/**
 * One iteration; false, with the state as it was, where there is none: no component of the gradient is above `gtol`, or no step is found that satisfies
 * the strong Wolfe conditions and leaves a direction of sufficient descent. The direction is that of Polak and Ribière, with no negative
 * coefficient (Gilbert and Nocedal 1992).
 */
export async function cgStep({ f, fprime }: Objective, state: CgState, { gtol = 1e-5 }: { readonly gtol?: number } = {}): Promise<boolean> {
  if (state.gradient.length === 0) {
    state.value = await f(state.x);
    state.gradient = Array.from(await fprime(state.x));
    state.direction = state.gradient.map((g) => -g);
    // Makes the first step about as long as 1.
    state.previousValue = state.value + Math.sqrt(dot(state.gradient, state.gradient)) / 2;
  }
  const { x, gradient, direction, value } = state;
  if (!(largest(gradient) > gtol)) return false;
  const at = async (step: number): Promise<Trial> => {
    const moved = along(x, step, direction);
    const trialValue = await f(moved);
    const trialGradient = Array.from(await fprime(moved));
    return { step, value: trialValue, slope: dot(trialGradient, direction), x: moved, gradient: trialGradient };
  };
  const turned = (found: Trial): number[] => {
    const beta = Math.max(0, dot(along(found.gradient, -1, gradient), found.gradient) / dot(gradient, gradient));
    return direction.map((p, i) => beta * p - (found.gradient[i] as number));
  };
  const descends = (found: Trial): boolean => largest(found.gradient) <= gtol || dot(turned(found), found.gradient) <= -0.01 * dot(found.gradient, found.gradient);
  const start: Point = { step: 0, value, slope: dot(gradient, direction) };
  const options = searchOptions(state, start.slope);
  const likely = await strongWolfe(at, start, options);
  const found = likely && descends(likely) ? likely : await zoomingWolfe(at, start, options, descends);
  if (found === null) return false;
  Object.assign(state, { x: found.x, gradient: found.gradient, direction: turned(found), value: found.value, previousValue: value } satisfies CgState);
  return true;
}
