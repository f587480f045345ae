/**
 * An array's elements as NumPy's print writes them: at most 8 decimals, columns in line, three elements from either end of long axes.
 * Must not know NdArray, which prints itself with this. show.ts is the shorter form of messages.
 */
import { type DType, isFloat, sizeOf, type TypedArray } from "../codegen/ir/dtype.js";

/** numpy.get_printoptions(): precision, linewidth, threshold, edgeitems. */
const DECIMALS = 8;
const LINE = 75;
const MANY = 1000;
const EDGE = 3;

/** The fewest digits that tell a number from its neighbours of the same dtype, as `d.ddde±x`. */
function shortest(x: number, dtype: DType): string {
  if (dtype === "float32") {
    for (let digits = 0; digits < 9; digits++) if (Math.fround(Number(x.toExponential(digits))) === x) return x.toExponential(digits);
  }
  return x.toExponential();
}

/** Zeros at the end of a fraction say nothing. */
const trimmed = (text: string): string => (text.includes(".") ? text.replace(/0+$/, "") : `${text}.`);

/** The sign of -0 is lost in toFixed and toExponential. */
const signed = (x: number, text: string): string => (Object.is(x, -0) ? `-${text}` : text);

const positional = (x: number, dtype: DType): string => signed(x, trimmed(Number(shortest(x, dtype)).toFixed(DECIMALS)));

function scientific(x: number, digits: number, powers = 2): string {
  const [mantissa, power] = x.toExponential(digits).split("e") as [string, string];
  return signed(x, `${mantissa}${digits === 0 ? "." : ""}e${power.slice(0, 1)}${power.slice(1).padStart(powers, "0")}`);
}

const nonFinite = (x: number): string => (Number.isNaN(x) ? "nan" : x > 0 ? "inf" : "-inf");
const widest = (texts: readonly string[]): number => Math.max(0, ...texts.map((t) => t.length));

/** `whole.fraction` with the points below each other; a NaN or an infinity ends where numbers end. */
function inLine(values: readonly number[], text: (x: number) => string): (x: number) => string {
  const finite = values.filter(Number.isFinite).map((x) => text(x).split(".") as [string, string]);
  const right = widest(finite.map(([, fraction]) => fraction));
  const others = widest(values.filter((x) => !Number.isFinite(x)).map(nonFinite));
  const left = Math.max(widest(finite.map(([whole]) => whole)), others - (finite.length > 0 ? right + 1 : 0));
  return (x) => {
    if (!Number.isFinite(x)) return nonFinite(x).padStart(finite.length > 0 ? left + right + 1 : left);
    const [whole, fraction] = text(x).split(".") as [string, string];
    return `${whole.padStart(left)}.${fraction.padEnd(right)}`;
  };
}

function floats(values: readonly number[], dtype: DType): (x: number) => string {
  const sizes = values.filter((x) => Number.isFinite(x) && x !== 0).map(Math.abs);
  const [most, least] = [Math.max(...sizes), Math.min(...sizes)];
  if (sizes.length === 0 || (most < 1e8 && least >= 1e-4 && most / least <= 1000)) return inLine(values, (x) => positional(x, dtype));
  const parts = values.filter(Number.isFinite).map((x) => shortest(x, dtype).split("e") as [string, string]);
  const digits = Math.min(DECIMALS, widest(parts.map(([mantissa]) => mantissa.split(".")[1] ?? "")));
  const powers = Math.max(2, widest(parts.map(([, power]) => power.slice(1))));
  return inLine(values, (x) => scientific(x, digits, powers));
}

/** As Python prints a number of its own: every digit, and a point where it is no integer's. */
function single(x: number, dtype: DType): string {
  if (!isFloat(dtype)) return formatter([x], dtype)(x).trim();
  if (!Number.isFinite(x)) return nonFinite(x);
  const few = shortest(x, dtype);
  const [mantissa, power] = few.split("e") as [string, string];
  if (Number(power) < -4 || Number(power) >= 16) return `${mantissa}e${power.slice(0, 1)}${power.slice(1).padStart(2, "0")}`;
  const digits = String(Number(few));
  return signed(x, digits.includes(".") ? digits : `${digits}.0`);
}

function formatter(values: readonly number[], dtype: DType): (x: number) => string {
  if (isFloat(dtype)) return floats(values, dtype);
  const text = dtype === "bool" ? (x: number): string => (x ? "True" : "False") : String;
  const width = dtype === "bool" ? "False".length : widest(values.map(text));
  return (x) => text(x).padStart(width);
}

/** Words one after the other, on as many lines as they need; no line is longer than `width`, and each begins below the first word. */
function filled(words: readonly string[], indent: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line.trimEnd());
      line = indent + word;
    } else line += `${line === "" ? indent : " "}${word}`;
  }
  return [...lines, line].join("\n").slice(indent.length);
}

/** `[[1. 2.]\n [3. 4.]]` of row-major elements; a single one is itself: `2.0`, `3`, `True`. */
export function arrayText(data: TypedArray, shape: readonly number[], dtype: DType): string {
  if (data.length === 0) return "[]";
  if (shape.length === 0) return single(data[0] as number, dtype);
  const summary = sizeOf(shape) > MANY;
  /** Places along an axis; null where some are left out. */
  const places = (length: number): (number | null)[] =>
    summary && length > 2 * EDGE ? [0, 1, 2, null, length - 3, length - 2, length - 1] : Array.from({ length }, (_, i) => i);
  const seen: number[] = [];
  const visit = (axis: number, at: number): void => {
    if (axis === shape.length) seen.push(data[at] as number);
    else for (const i of places(shape[axis] as number)) if (i !== null) visit(axis + 1, at * (shape[axis] as number) + i);
  };
  visit(0, 0);
  const text = formatter(seen, dtype);
  const build = (axis: number, at: number): string => {
    const length = shape[axis] as number;
    const indent = " ".repeat(axis + 1);
    const last = axis === shape.length - 1;
    const parts = places(length).map((i) => (i === null ? "..." : last ? text(data[at * length + i] as number) : build(axis + 1, at * length + i)));
    return `[${last ? filled(parts, indent, LINE - shape.length) : parts.join(`${"\n".repeat(shape.length - 1 - axis)}${indent}`)}]`;
  };
  return build(0, 0);
}
