/**
 * The embedded data set: pictures of handwritten-looking digits, drawn here, so that every example runs without a network or a file.
 * One digit: pick a style (digit_strokes.ts); shake its points; bend the plane by a smooth random field (elastic) and a random affine map;
 * fit it to about 20 x 20 pixels; ink it with a round pen of varying width, antialiased; centre its mass in 28 x 28. Pixels are k/256,
 * k = 0 … 255, as in the tutorials' MNIST. The same seed gives the same pictures (MT19937). Must not know splits; load.ts does.
 */
import { NdArray } from "../numpy/ndarray.js";
import { DIGIT_STYLES, type Style } from "./digit_strokes.js";

/** Where the generator gets its chance from. */
export interface DigitRng {
  /** Uniform in [0, 1). */
  random(): number;
  /** Standard normal. */
  normal(): number;
}

export const SIDE = 28;

type Point = readonly [x: number, y: number];
type Map2 = (p: Point) => Point;
/** Points along a curve, close enough to join by straight segments. */
type Curve = readonly Point[];

interface ParsedStroke {
  readonly points: readonly Point[];
  /** Indices of corner points; the curve is smooth elsewhere. */
  readonly corners: ReadonlySet<number>;
}

function parseStroke(text: string): ParsedStroke {
  const words = text.split(" ");
  const points = words.map((w): Point => {
    const [x, y] = w.replace("!", "").split(",").map(Number);
    return [(x as number) / 100 - 0.5, (y as number) / 100 - 0.5];
  });
  return { points, corners: new Set(words.flatMap((w, i) => (w.endsWith("!") ? [i] : []))) };
}

const PARSED = new Map<Style, readonly ParsedStroke[]>(DIGIT_STYLES.flat().map((s) => [s, s.strokes.map(parseStroke)]));

const uniform = (rng: DigitRng, low: number, high: number): number => low + (high - low) * rng.random();

function pick(styles: readonly Style[], rng: DigitRng): Style {
  let left = rng.random() * styles.reduce((sum, s) => sum + s.weight, 0);
  for (const s of styles) {
    left -= s.weight;
    if (left < 0) return s;
  }
  return styles[0] as Style;
}

const STEPS = 7;

/** A Catmull-Rom spline through a run of points (Catmull & Rom 1974, uniform, ends doubled), sampled. */
function spline(run: readonly Point[], out: Point[]): void {
  const at = (i: number): Point => run[Math.max(0, Math.min(run.length - 1, i))] as Point;
  for (let i = 0; i + 1 < run.length; i++) {
    const [a, b, c, d] = [at(i - 1), at(i), at(i + 1), at(i + 2)];
    for (let k = i === 0 ? 0 : 1; k <= STEPS; k++) {
      const t = k / STEPS;
      const axis = (e: 0 | 1): number =>
        b[e] + 0.5 * t * (c[e] - a[e] + t * (2 * a[e] - 5 * b[e] + 4 * c[e] - d[e] + t * (3 * (b[e] - c[e]) + d[e] - a[e])));
      out.push([axis(0), axis(1)]);
    }
  }
}

/** A stroke as a curve, its points shaken by `shake` (standard deviation, in boxes). */
function toCurve(stroke: ParsedStroke, shake: number, rng: DigitRng): Curve {
  const points = stroke.points.map(([x, y]): Point => [x + shake * rng.normal(), y + shake * rng.normal()]);
  const out: Point[] = [];
  let start = 0;
  for (let i = 1; i < points.length; i++) {
    if (i < points.length - 1 && !stroke.corners.has(i)) continue;
    spline(points.slice(start, i + 1), out);
    start = i;
  }
  return out;
}

const GRID = 4;

/** A smooth random displacement: normal vectors on a GRID x GRID lattice over the box, blended by smoothstep weights. */
function elastic(strength: number, rng: DigitRng): Map2 {
  const field = Array.from({ length: 2 * GRID * GRID }, () => strength * rng.normal());
  const cell = (u: number): readonly [index: number, weight: number] => {
    const s = Math.max(0, Math.min(GRID - 1, (u + 0.5) * (GRID - 1)));
    const index = Math.min(GRID - 2, Math.floor(s));
    const t = s - index;
    return [index, t * t * (3 - 2 * t)];
  };
  return ([x, y]) => {
    const [i, tx] = cell(x);
    const [j, ty] = cell(y);
    const blend = (e: number): number => {
      const f = (di: number, dj: number): number => field[2 * ((j + dj) * GRID + i + di) + e] as number;
      return (1 - ty) * ((1 - tx) * f(0, 0) + tx * f(1, 0)) + ty * ((1 - tx) * f(0, 1) + tx * f(1, 1));
    };
    return [x + blend(0), y + blend(1)];
  };
}

/** Slant, rotation and stretch of one writer. */
function affine(rng: DigitRng): Map2 {
  const slant = 0.12 + 0.27 * rng.normal();
  const turn = 0.15 * rng.normal();
  const wide = uniform(rng, 0.65, 1.3);
  const tall = uniform(rng, 0.85, 1.1);
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  return ([x, y]) => {
    const u = wide * x - slant * y;
    const v = tall * y;
    return [c * u - s * v, s * u + c * v];
  };
}

/** Scales curves so that the longer side of their bounding box is `length` pixels, and moves the box's centre to the canvas centre. */
function fit(curves: readonly Curve[], length: number, centre: number): Curve[] {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of curves.flat()) {
    x0 = Math.min(x0, x);
    y0 = Math.min(y0, y);
    x1 = Math.max(x1, x);
    y1 = Math.max(y1, y);
  }
  const scale = length / Math.max(x1 - x0, y1 - y0, 1e-6);
  return curves.map((curve) => curve.map(([x, y]): Point => [centre + scale * (x - (x0 + x1) / 2), centre + scale * (y - (y0 + y1) / 2)]));
}

const CANVAS = 48;

interface Pen {
  readonly radius: number;
  /** Width of the soft edge, in pixels. */
  readonly soft: number;
  /** Relative swing of the radius along a stroke, and its phase. */
  readonly swing: number;
  readonly phase: number;
}

/** Inks one segment: coverage falls from 1 to 0 over the soft edge of a capsule; the darkest ink wins. */
function inkSegment(canvas: Float64Array, a: Point, b: Point, radius: number, soft: number): void {
  const reach = radius + soft;
  const left = Math.max(0, Math.floor(Math.min(a[0], b[0]) - reach));
  const right = Math.min(CANVAS - 1, Math.ceil(Math.max(a[0], b[0]) + reach));
  const top = Math.max(0, Math.floor(Math.min(a[1], b[1]) - reach));
  const bottom = Math.min(CANVAS - 1, Math.ceil(Math.max(a[1], b[1]) + reach));
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const norm = dx * dx + dy * dy;
  for (let y = top; y <= bottom; y++) {
    for (let x = left; x <= right; x++) {
      const [px, py] = [x - a[0], y - a[1]];
      const t = norm > 0 ? Math.max(0, Math.min(1, (px * dx + py * dy) / norm)) : 0;
      const [ex, ey] = [px - t * dx, py - t * dy];
      const distance2 = ex * ex + ey * ey;
      if (distance2 >= reach * reach) continue;
      const ink = Math.min(1, (reach - Math.sqrt(distance2)) / (2 * soft));
      const i = y * CANVAS + x;
      if (ink > (canvas[i] as number)) canvas[i] = ink;
    }
  }
}

function ink(curves: readonly Curve[], pen: Pen): Float64Array {
  const canvas = new Float64Array(CANVAS * CANVAS);
  for (const curve of curves) {
    for (let i = 0; i + 1 < curve.length; i++) {
      const radius = pen.radius * (1 + pen.swing * Math.sin(pen.phase + (6 * i) / curve.length));
      inkSegment(canvas, curve[i] as Point, curve[i + 1] as Point, radius, pen.soft);
    }
  }
  return canvas;
}

/** Copies the window of the canvas whose centre is the ink's centre of mass, as MNIST's makers did; pixels become k = 0 … 255. */
function centreByMass(canvas: Float64Array, out: Uint8Array): void {
  let [mass, mx, my] = [0, 0, 0];
  for (let i = 0; i < canvas.length; i++) {
    const w = canvas[i] as number;
    mass += w;
    mx += w * (i % CANVAS);
    my += w * Math.floor(i / CANVAS);
  }
  const left = Math.round(mx / mass - (SIDE - 1) / 2);
  const top = Math.round(my / mass - (SIDE - 1) / 2);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [cx, cy] = [x + left, y + top];
      const inside = cx >= 0 && cx < CANVAS && cy >= 0 && cy < CANVAS;
      out[y * SIDE + x] = inside ? Math.floor(255 * (canvas[cy * CANVAS + cx] as number) + 0.5) : 0;
    }
  }
}

/** Draws one digit `label` (0 … 9) into `out` (784 bytes, row-major, 255 is full ink). */
export function drawDigit(label: number, rng: DigitRng, out: Uint8Array): void {
  const strokes = PARSED.get(pick(DIGIT_STYLES[label] as readonly Style[], rng)) as readonly ParsedStroke[];
  const shake = uniform(rng, 0.008, 0.04);
  const bend = elastic(uniform(rng, 0.02, 0.085), rng);
  const place = affine(rng);
  const curves = strokes.map((s) => toCurve(s, shake, rng).map((p) => place(bend(p))));
  const pen: Pen = { radius: uniform(rng, 0.7, 1.75), soft: uniform(rng, 0.5, 0.8), swing: uniform(rng, 0, 0.25), phase: uniform(rng, 0, 6.28) };
  const length = uniform(rng, 17.5, 20) - 2 * pen.radius;
  centreByMass(ink(fit(curves, length, (CANVAS - 1) / 2), pen), out);
}

/**
 * `count` pictures and their labels: x float32 `[count, 784]` of k/256, y int32 `[count]`, labels drawn uniformly.
 * Pictures 0 … n-1 are the same for every `count` >= n.
 */
export function makeDigits(count: number, rng: DigitRng): readonly [x: NdArray, y: NdArray] {
  const x = new Float32Array(count * SIDE * SIDE);
  const y = new Int32Array(count);
  const picture = new Uint8Array(SIDE * SIDE);
  for (let i = 0; i < count; i++) {
    const label = Math.floor(10 * rng.random());
    y[i] = label;
    drawDigit(label, rng, picture);
    for (let k = 0; k < picture.length; k++) x[i * picture.length + k] = (picture[k] as number) / 256;
  }
  return [new NdArray(x, [count, SIDE * SIDE], "float32"), new NdArray(y, [count], "int32")];
}
