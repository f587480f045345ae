/**
 * A state that only sums products over the steps, as gradients of weights do, becomes one product of whole stacks after the loop
 * (theano/scan_module/scan_opt.py, PushOutDot1, PushOutScanOutput). Must not know gradients. Next: scan_op.ts lists the rules.
 */
import { leavesOf } from "../graph/clone.js";
import type { Op } from "../graph/op.js";
import { inputsOf, type Rule } from "../graph/rule.js";
import { tensorType } from "../graph/types.js";
import { scalarConstant, Variable } from "../graph/variable.js";
import { dimShuffleOp, dimshuffle, transpose } from "../ops/dimshuffle.js";
import { dot } from "../ops/dot.js";
import { add, mul } from "../ops/elementwise.js";
import { get } from "../ops/indexing.js";
import { tanh } from "../ops/math.js";
import { patternBroadcast } from "../ops/rebroadcast.js";
import { sum } from "../ops/reduce.js";
import { reshape } from "../ops/reshape.js";
import { shapeAt } from "../ops/shape.js";
import { slice } from "../ops/slices.js";
import { everything, keeping, remade } from "./edit_scan.js";
import { partsOf, scanOf, type ScanParts, type StackedPart } from "./parts.js";

/** A sum over steps, as the stacks it is made of. */
type Term =
  /** Of a.T b: outer products of vectors, or products of matrices. */
  | { readonly kind: "product"; readonly a: Variable; readonly b: Variable }
  /** Of a value that is stacked anyway, or of its sum along axes; `order` puts back axes of length 1. */
  | { readonly kind: "plain"; readonly value: Variable; readonly axes: readonly number[]; readonly order: readonly (number | null)[] | null };

const sameOrder = (v: Variable, order: readonly (number | null)[]): Variable | null => {
  const found = v.owner?.op === dimShuffleOp ? (v.owner.params.order as readonly (number | null)[]) : null;
  return found !== null && found.length === order.length && found.every((a, i) => a === order[i]) ? (v.owner?.inputs[0] as Variable) : null;
};

/** Vectors whose outer product a term is. */
function outerOf(term: Variable): Term | null {
  const [p, q] = inputsOf(term, mul) ?? [];
  if (p === undefined || q === undefined) return null;
  const [a, b] = [sameOrder(p, [0, null]) ?? sameOrder(q, [0, null]), sameOrder(p, [null, 0]) ?? sameOrder(q, [null, 0])];
  return a !== null && b !== null && a.ndim === 1 && b.ndim === 1 ? { kind: "product", a, b } : null;
}

function productOf(term: Variable): Term | null {
  const [p, q] = inputsOf(term, dot) ?? [];
  if (p === undefined || q === undefined || p.ndim !== 2 || q.ndim !== 2) return null;
  return { kind: "product", a: sameOrder(p, [1, 0]) ?? transpose(p), b: q };
}

function plainOf(term: Variable, parts: ScanParts): Term | null {
  const isStacked = (v: Variable): boolean => parts.stacked.some((s) => s.value === v && s.keep === "all");
  if (isStacked(term)) return { kind: "plain", value: term, axes: [], order: null };
  const shuffle = term.owner?.op === dimShuffleOp ? term.owner : null;
  const { owner } = shuffle === null ? term : (shuffle.inputs[0] as Variable);
  const value = owner?.op === sum.op ? (owner.inputs[0] as Variable) : null;
  return owner && value && isStacked(value) ? { kind: "plain", value, axes: owner.params.axes as readonly number[], order: shuffle && (shuffle.params.order as readonly (number | null)[]) } : null;
}

/** The sum over all steps of a value whose stack is given. */
function plainTotal(stack: Variable, { axes, order }: Extract<Term, { kind: "plain" }>): Variable {
  const total = sum(stack, { axis: [0, ...axes.map((a) => a + 1)] });
  return order === null ? total : dimshuffle(total, ...order.map((a) => a ?? "x"));
}

interface Sum { readonly carry: number; readonly term: Term }

/** States s with s' = s + term, read by nothing else. */
function sumsOf(parts: ScanParts): Sum[] {
  return parts.carries.flatMap(({ inner, next }, carry): Sum[] => {
    const [p, q] = inputsOf(next, add) ?? [];
    const term = p === inner ? q : q === inner ? p : undefined;
    if (term === undefined || !term.type.equals(inner.type)) return [];
    const others = [term, ...parts.carries.flatMap((c) => (c.inner === inner ? [] : [c.next])), ...parts.stacked.map((s) => s.value)];
    if (leavesOf(others).includes(inner)) return [];
    const found = outerOf(term) ?? productOf(term) ?? plainOf(term, parts);
    return found === null ? [] : [{ carry, term: found }];
  });
}

/** Rows as they come, of a vector or a matrix at each step. */
const asRows = (stack: Variable): Variable => (stack.ndim === 2 ? stack : reshape(stack, [-1, shapeAt(stack, 2)]));

/** Values of the body that have to be stacked for these sums, beside those that are rows of sequences or stacked already. */
function newlyStacked(parts: ScanParts, sums: readonly Sum[]): StackedPart[] {
  const values = new Set(sums.flatMap(({ term }) => (term.kind === "product" ? [term.a, term.b] : [term.value])));
  const known = (v: Variable): boolean => parts.sequences.some((s) => s.inner === v) || parts.stacked.some((s) => s.value === v && s.keep === "all");
  return [...values].filter((v) => !known(v)).map((value) => ({ value, keep: "all" }));
}

function sumOfProducts(op: Op): Rule {
  return {
    name: "scanSumOfProducts", phase: "specialise", exactness: "reassociates", roots: [op], source: "theano/scan_module/scan_opt.py PushOutDot1, PushOutScanOutput",
    rewrite(node) {
      const parts = partsOf(node);
      const sums = sumsOf(parts);
      if (sums.length === 0) return null;
      const more: ScanParts = { ...parts, stacked: [...parts.stacked, ...newlyStacked(parts, sums)] };
      const kept = { carries: parts.carries.flatMap((_, i) => (sums.some((s) => s.carry === i) ? [] : [i])), stacked: everything(more).stacked };
      const small = keeping(more, kept);
      const made = remade(node, small, kept);
      const n = parts.carries.length;
      const stackOf = (v: Variable): Variable => {
        const sequence = parts.sequences.find((s) => s.inner === v);
        return sequence === undefined ? (made[n + more.stacked.findIndex((s) => s.value === v && s.keep === "all")] as Variable) : get(sequence.outer, slice(0, parts.steps));
      };
      const outputs = made.slice(0, node.outputs.length);
      for (const { carry, term } of sums) {
        const total = term.kind === "product" ? dot(transpose(asRows(stackOf(term.a))), asRows(stackOf(term.b))) : plainTotal(stackOf(term.value), term);
        const { init } = parts.carries[carry] as ScanParts["carries"][number];
        outputs[carry] = patternBroadcast(add(init, total), init.broadcastable);
      }
      return outputs;
    },
    example() {
      const [x, h, W] = [new Variable(tensorType("float64", 2), { name: "x" }), new Variable(tensorType("float64", 1), { name: "h" }), new Variable(tensorType("float64", 2), { name: "W" })];
      const [row, state, total] = [h, h, W].map((v, i) => new Variable(v.type, { name: ["x[t]", "h[t-1]", "dW"][i] ?? null })) as [Variable, Variable, Variable];
      const next = tanh(add(state, row));
      const parts: ScanParts = {
        steps: scalarConstant(3, "int32"), sequences: [{ outer: x, inner: row }], constants: [], stacked: [], truncate: null, name: "example",
        carries: [{ init: h, inner: state, next }, { init: W, inner: total, next: add(total, mul(dimshuffle(row, 0, "x"), dimshuffle(next, "x", 0))) }],
      };
      return { inputs: [x, h, W], before: scanOf(op, parts).carries[1] as Variable };
    },
  };
}

export const sumRules = (op: Op): readonly Rule[] => [sumOfProducts(op)];
