/**
 * Products and sums as lists: what a tree of mul, div, neg (or add, sub, neg) is made of, and trees from lists again. The rules of arithmetic
 * and of stability read these, so that a pattern is found however a product was written. Must not know any rule.
 */
import { castScalar, type DType, isFloat } from "../codegen/ir/dtype.js";
import { constantValue, isA, type RuleContext } from "../graph/rule.js";
import { Constant, type Variable } from "../graph/variable.js";
import { NdArray } from "../numpy/ndarray.js";
import { add, cast, div, fill, mul, neg, sqr, sub } from "./elementwise.js";
import { inv } from "./math.js";
import { sigmoid } from "./sigmoid.js";

/** `coef * prod(num) / prod(den)`. */
export interface Factors {
  readonly coef: number;
  readonly num: readonly Variable[];
  readonly den: readonly Variable[];
}
/** `constant + sum(pos) - sum(neg)`. */
export interface Terms {
  readonly constant: number;
  readonly pos: readonly Variable[];
  readonly neg: readonly Variable[];
}
/** What was read of a tree, and how many of its ops nothing else needs. */
export interface Read { readonly cost: number }

/** A constant of one element that broadcasts against `like`. */
export const constantLike = (value: number, like: Variable, dtype: DType = like.dtype): Constant =>
  new Constant(NdArray.scalar(castScalar(value, dtype), dtype).reshape(like.broadcastable.map(() => 1)), { broadcastable: like.broadcastable.map(() => true) });

/** Trees with more leaves are read no deeper: shared results would multiply them without end. */
const LEAVES = 48;

/** Whether a result is read by one apply only, and not asked for. */
export const isPrivate = (v: Variable, context: RuleContext): boolean => !context.isOutput(v) && context.readers(v) === 1;

/** Reads a product. Only results of the root's dtype are opened. */
export function factorsOf(root: Variable, context: RuleContext | null = null): Factors & Read {
  const [num, den]: [Variable[], Variable[]] = [[], []];
  let [coef, cost] = [1, 0];
  const integer = !isFloat(root.dtype);
  const stack: [Variable, boolean][] = [[root, false]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [v, inverted] = top;
    const open = v.dtype === root.dtype && num.length + den.length + stack.length < LEAVES ? opened(v, inverted) : null;
    if (open !== null) {
      if (isA(v, neg)) coef = -coef;
      if (v === root || (context !== null && isPrivate(v, context))) cost += isA(v, neg) ? SIGN : 1;
      stack.push(...open.reverse());
      continue;
    }
    const c = constantValue(v);
    if (c === null || (inverted && c === 0) || !Number.isFinite(c)) (inverted ? den : num).push(v);
    else coef = inverted ? coef / c : integer ? Math.imul(coef, c) : coef * c;
  }
  return { coef, num, den, cost };
}

function opened(v: Variable, inverted: boolean): [Variable, boolean][] | null {
  const { owner } = v;
  if (owner === null) return null;
  const [a, b] = owner.inputs as readonly [Variable, Variable];
  switch (owner.op) {
    case mul.op: return [[a, inverted], [b, inverted]];
    case div.op: return [[a, inverted], [b, !inverted]];
    case neg.op: return [[a, inverted]];
    case sqr.op: return [[a, inverted], [a, inverted]];
    case inv.op: return [[a, !inverted]];
    default: return null;
  }
}

/** A change of sign costs less than a product by -1. */
const SIGN = 0.5;

/** Ops that `product` makes. */
export function productCost({ coef, num, den }: Factors): number {
  if (num.length === 0) return den.length;
  return num.length - 1 + den.length + (coef === 1 ? 0 : coef === -1 ? SIGN : 1);
}

/** Multiplies in the dtype of the result: those of that dtype first, pairs as squares. */
function multiplied(list: readonly Variable[], dtype: DType): Variable {
  const ordered = [...list.filter((v) => v.dtype === dtype), ...list.filter((v) => v.dtype !== dtype)];
  const left = new Map<Variable, number>();
  for (const v of ordered) left.set(v, (left.get(v) ?? 0) + 1);
  const parts = [...left].flatMap(([v, n]) => [...new Array<Variable>(Math.floor(n / 2)).fill(sqr(cast(v, dtype))), ...(n % 2 === 1 ? [v] : [])]);
  return parts.slice(1).reduce((a, b) => mul(a, b), cast(parts[0] as Variable, dtype));
}

/** The tree of a product, of the dtype and broadcast flags of `like`; `sources` are what it was read from, to take lost axes from. */
export const product = (factors: Factors, like: Variable, sources: readonly Variable[]): Variable => fillLike(multiply(factors, like), like, sources);

/** The tree of a product, of the dtype and rank of `like`. */
export function multiply({ coef, num, den }: Factors, like: Variable): Variable {
  const { dtype } = like;
  const below = den.length > 0 ? multiplied(den, dtype) : null;
  if (num.length === 0) {
    const c = constantLike(coef, like);
    return below === null ? c : div(c, below);
  }
  const above = multiplied(num, dtype);
  const scaled = Math.abs(coef) === 1 ? above : mul(constantLike(coef, like), above);
  const whole = below === null ? scaled : div(scaled, below);
  return coef === -1 ? neg(whole) : whole;
}

/** Reads a sum. Only results of the root's dtype are opened. */
export function termsOf(root: Variable, context: RuleContext | null = null): Terms & Read {
  const [pos, negative]: [Variable[], Variable[]] = [[], []];
  let [constant, cost] = [0, 0];
  const stack: [Variable, boolean][] = [[root, false]];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const [v, minus] = top;
    const [a, b] = (v.owner?.inputs ?? []) as [Variable, Variable];
    const open = v.dtype === root.dtype && pos.length + negative.length + stack.length < LEAVES;
    if (open && (isA(v, add) || isA(v, sub) || isA(v, neg))) {
      if (v === root || (context !== null && isPrivate(v, context))) cost++;
      if (isA(v, neg)) stack.push([a, !minus]);
      else stack.push([b, isA(v, sub) ? !minus : minus], [a, minus]);
      continue;
    }
    const c = constantValue(v);
    if (c === null || !Number.isFinite(c)) (minus ? negative : pos).push(v);
    else constant += minus ? -c : c;
  }
  return { constant: isFloat(root.dtype) ? constant : constant | 0, pos, neg: negative, cost };
}

/** Ops that `summed` makes. */
export function sumCost(t: Terms): number {
  const count = t.pos.length + t.neg.length + (t.constant === 0 ? 0 : 1);
  return count === 0 ? 0 : count - 1 + (t.pos.length === 0 && t.constant === 0 ? 1 : 0);
}

/** The tree of a sum, of the dtype and broadcast flags of `like`. */
export function summed({ constant, pos, neg: negative }: Terms, like: Variable, sources: readonly Variable[]): Variable {
  const { dtype } = like;
  const total = (list: readonly Variable[]): Variable => list.slice(1).reduce((a, b) => add(a, b), cast(list[0] as Variable, dtype));
  const c = constantLike(constant, like);
  const above = pos.length === 0 ? (constant === 0 && negative.length > 0 ? null : c) : constant === 0 ? total(pos) : add(c, total(pos));
  if (negative.length === 0) return fillLike(above ?? c, like, sources);
  const below = total(negative);
  return fillLike(above === null ? neg(below) : sub(above, below), like, sources);
}

/** `v` in the dtype of `like` and stretched over its axes: lengths of lost axes come from the sources that have them, or from `like` itself. */
export function fillLike(v: Variable, like: Variable, sources: readonly Variable[]): Variable {
  let out = cast(v, like.dtype);
  const lost = (): number => like.broadcastable.findIndex((b, a) => !b && out.broadcastable[a] === true);
  for (let a = lost(); a >= 0; a = lost()) {
    const axis = a;
    out = fill(sources.find((s) => s.ndim === like.ndim && s.broadcastable[axis] === false) ?? like, out);
  }
  return out;
}

/** Drops pairs that occur in both lists, by identity or by what `same` says. */
export function cancelled(a: readonly Variable[], b: readonly Variable[], same?: (v: Variable, w: Variable) => boolean): { readonly a: Variable[]; readonly b: Variable[]; readonly dropped: number } {
  const left = [...b];
  const kept = a.filter((v) => {
    const exact = left.indexOf(v);
    const at = exact < 0 && same !== undefined ? left.findIndex((w) => same(v, w)) : exact;
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
  return { a: kept, b: left, dropped: a.length - kept.length };
}

/** Whether a = -b by how they are written. */
export function negates(a: Variable, b: Variable): boolean {
  if ((isA(a, neg) && a.owner?.inputs[0] === b) || (isA(b, neg) && b.owner?.inputs[0] === a)) return true;
  const same = (x: readonly Variable[], y: readonly Variable[]): boolean => x.length === y.length && cancelled(x, y).dropped === x.length;
  const [p, q] = [factorsOf(a), factorsOf(b)];
  if (p.coef !== 0 && p.coef === -q.coef && same(p.num, q.num) && same(p.den, q.den)) return true;
  const [s, t] = [termsOf(a), termsOf(b)];
  return s.constant === -t.constant && same(s.pos, t.neg) && same(s.neg, t.pos) && s.pos.length + s.neg.length > 1;
}

/** Whether two factors are equal: the same, or 1 - sigmoid(x) and sigmoid(-x). */
export const sameFactor = (a: Variable, b: Variable): boolean => a === b || isComplement(a, b) || isComplement(b, a);

function isComplement(difference: Variable, s: Variable): boolean {
  if (!isA(difference, sub) || !isA(s, sigmoid) || constantValue(difference.owner?.inputs[0] as Variable) !== 1) return false;
  const other = difference.owner?.inputs[1] as Variable;
  return isA(other, sigmoid) && negates(other.owner?.inputs[0] as Variable, s.owner?.inputs[0] as Variable);
}

/** -v, without a double sign. */
export function negated(v: Variable): Variable {
  if (isA(v, neg)) return v.owner?.inputs[0] as Variable;
  return isA(v, sub) ? sub(v.owner?.inputs[1] as Variable, v.owner?.inputs[0] as Variable) : neg(v);
}
