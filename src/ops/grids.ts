/**
 * mgrid and ogrid: coordinates of the points of a grid, from what Python writes between brackets (theano/tensor/basic.py _nd_grid).
 */
import type { Variable } from "../graph/variable.js";
import { fail } from "../util/fail.js";
import { arange } from "./alloc.js";
import { dimshuffle } from "./dimshuffle.js";
import { fill } from "./elementwise.js";
import type { Slice } from "./slices.js";

/** Coordinates along each axis, which stretch against each other. Error: `grid-stop`. */
function open(axes: readonly Slice[]): Variable[] {
  return axes.map(({ start, stop, step }, k) => {
    if (stop === null) fail("value", "grid-stop", { what: `Axis ${k} of a grid has no end.`, fix: "write slice(start, stop)" });
    return dimshuffle(arange(start ?? 0, stop, step ?? 1), ...axes.map((_, a) => (a === k ? 0 : ("x" as const))));
  });
}

/** `T.mgrid.get(slice(0, 5), slice(0, 3))`: for each axis the coordinate of every point, int32. Error: `grid-stop`. */
export const mgrid = {
  get(...axes: readonly Slice[]): Variable[] {
    const lines = open(axes);
    return lines.map((line) => lines.reduce((v, other) => fill(other, v), line));
  },
} as const;

/** `T.ogrid.get(slice(0, 5), slice(0, 3))`: for each axis its coordinates, with length 1 on the others. Error: `grid-stop`. */
export const ogrid = { get: (...axes: readonly Slice[]): Variable[] => open(axes) } as const;
