/**
 * Images as rows of patches and back (theano/tensor/nnet/neighbours.py), as gathers by positions and reshapes, so that they need no records.
 * Next: convolutions.ts, which never makes the patches.
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { arange } from "./alloc.js";
import { asTensor, type Operand } from "./define.js";
import { dimshuffle } from "./dimshuffle.js";
import { add, floorDiv, mul, sub } from "./elementwise.js";
import { get } from "./indexing.js";
import { reshape } from "./reshape.js";
import { type Length, lengthsOf, type ShapeLike } from "./shape.js";
import { all } from "./slices.js";
import { specifyShape } from "./specify_shape.js";

/** Rows and columns. */
type Two = readonly [Length, Length];

export interface NeibsOptions {
  /** From one patch to the next: the patch's own size by default. */
  readonly neibStep?: Two | undefined;
  /** "valid" (default): patches have to cover the image; "ignore_borders": what is left over at the ends is not read. */
  readonly mode?: "valid" | "ignore_borders" | undefined;
}

/** How many windows of a size fit along a length. */
export const windowCount = (length: Length, size: Length, step: Length): Variable => add(floorDiv(sub(length, size), step), 1);

/** The windows that start at each step along an axis, of `size` elements `spread` apart: one axis becomes two, which window and where in it. */
export function windows(x: Variable, axis: number, count: Variable, size: Length, step: Length, spread = 1): Variable {
  const at = add(dimshuffle(mul(arange(count), step), 0, "x"), dimshuffle(mul(arange(size), spread), "x", 0));
  return get(x, ...new Array<typeof all>(axis).fill(all), at);
}

/**
 * Images `[n, channels, rows, columns]` as a matrix with a row for each patch: images first, then channels, then patches row by row. Errors: `neibs-rank`,
 * `neibs-mode`; at run time `specify-shape` where patches of mode "valid" do not cover the image.
 */
export function images2neibs(ten4: Operand, neibShape: Two, given: Two | NeibsOptions = {}): Variable {
  const x = asTensor(ten4);
  const options: NeibsOptions = Array.isArray(given) ? { neibStep: given as unknown as Two } : (given as NeibsOptions);
  const { neibStep = neibShape, mode = "valid" } = options;
  if (x.ndim !== 4) fail("type", "neibs-rank", { what: `images2neibs() needs 4 axes: ${x}.`, where: String(x.origin), fix: "reshape to [n, channels, rows, columns]" });
  if (mode !== "valid" && mode !== "ignore_borders") fail("unsupported", "neibs-mode", { what: `images2neibs() has no mode '${String(mode)}'.`, fix: "use valid or ignore_borders" });
  const [n, channels, height, width] = lengthsOf(x) as [Variable, Variable, Variable, Variable];
  const [down, across] = [windowCount(height, neibShape[0], neibStep[0]), windowCount(width, neibShape[1], neibStep[1])];
  const end = (count: Variable, a: 0 | 1): Variable => add(mul(sub(count, 1), neibStep[a]), neibShape[a]);
  const whole = mode === "valid" ? specifyShape(x, [n, channels, end(down, 0), end(across, 1)]) : x;
  const cells = windows(windows(whole, 2, down, neibShape[0], neibStep[0]), 4, across, neibShape[1], neibStep[1]);
  return reshape(dimshuffle(cells, 0, 1, 2, 4, 3, 5), [-1, mul(neibShape[0], neibShape[1])]);
}

/** The images whose patches, side by side, are the rows of `neibs`: undoes `images2neibs(x, neibShape)`. */
export function neibs2images(neibs: Operand, neibShape: Two, originalShape: ShapeLike, given: Pick<NeibsOptions, "mode"> = {}): Variable {
  const v = asTensor(neibs);
  const { mode = "valid" } = given;
  if (mode !== "valid") fail("unsupported", "neibs-mode", { what: `neibs2images() has no mode '${String(mode)}'.`, fix: "use valid" });
  const shape = Array.isArray(originalShape) ? (originalShape as readonly Length[]) : [0, 1, 2, 3].map((a) => get(asTensor(originalShape as Variable), a));
  const [n, channels, height, width] = shape as [Length, Length, Length, Length];
  const cells = reshape(v, [n, channels, floorDiv(height, neibShape[0]), floorDiv(width, neibShape[1]), neibShape[0], neibShape[1]]);
  return reshape(dimshuffle(cells, 0, 1, 2, 4, 3, 5), [n, channels, height, width]);
}

/** `theano.tensor.nnet.neighbours`. */
export const neighbours = { images2neibs, neibs2images };
