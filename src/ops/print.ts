/**
 * Print: x, printed whenever it is computed (theano/printing.py Print). Rewriting does not see through it, as in Theano. Done on the host, so that x comes
 * back from the device. Next room: autodiff.
 */
import type { HostBuffer } from "../codegen/ir/plan.js";
import type { Keyed, Op, Params } from "../graph/op.js";
import type { TensorType } from "../graph/types.js";
import { apply1, type Variable } from "../graph/variable.js";
import { arrayText } from "../numpy/array_text.js";
import { NdArray, type Shape } from "../numpy/ndarray.js";
import { max, mean, min, prod, std, sum } from "../numpy/reduce.js";
import { fail } from "../util/fail.js";
import { asTensor, defineOp, type Operand } from "./define.js";

const reduced = (f: (x: NdArray) => NdArray | number) => (x: NdArray): string => String(Number(f(x)));

/** What can be printed of a value, by Theano's and NumPy's names. */
const ATTRIBUTES = {
  __str__: (x) => arrayText(x.data, x.shape, x.dtype),
  shape: (x) => `(${x.shape.join(", ")})`,
  dtype: (x) => x.dtype,
  ndim: (x) => String(x.ndim),
  size: (x) => String(x.size),
  min: reduced(min), max: reduced(max), mean: reduced(mean), std: reduced(std), sum: reduced(sum), prod: reduced(prod),
} as const satisfies Readonly<Record<string, (x: NdArray) => string>>;

export type PrintAttribute = keyof typeof ATTRIBUTES;

/** Gets each value, in the place of the console. */
export type PrintFunction = (value: NdArray, message: string, attrs: readonly PrintAttribute[]) => void;

class Sink implements Keyed {
  static #made = 0;
  readonly key = `sink ${Sink.#made++}`;
  readonly print: PrintFunction;

  constructor(print: PrintFunction) {
    this.print = print;
  }
}

interface PrintParams extends Params {
  readonly message: string;
  readonly attrs: readonly PrintAttribute[];
  readonly sink: Sink;
}

const toConsole = new Sink((value, message, attrs) => {
  for (const attr of attrs) console.log(`${message} ${attr} = ${ATTRIBUTES[attr](value)}`);
});

const op: Op = defineOp<PrintParams>({
  name: "print",
  doc: "x, printed each time it is computed. The gradient passes. Done on the host.",
  infer: ([x]) => [x as TensorType],
  shape: ({ shapes }) => [shapes[0] as Shape],
  lower: {
    kind: "routine",
    routine: ({ params: { message, attrs, sink } }) => ({
      name: "print", config: `${JSON.stringify(message)} ${attrs.join(" ")} ${sink.key}`,
      run: ([x], [out]) => {
        const { data, shape, dtype } = x as HostBuffer;
        (out as HostBuffer).data.set(data);
        sink.print(new NdArray(data.slice(), shape, dtype), message, attrs);
      },
    }),
  },
  gradient: ({ cotangents: [g] }) => [g as Variable],
  reference: ([x], { message, attrs, sink }) => {
    sink.print((x as NdArray).copy(), message, attrs);
    return [x as NdArray];
  },
  samples: [{ inputs: [{ dtype: "float64", shape: [2, 3] }], params: { message: "", attrs: [], sink: toConsole } }],
  pure: false,
});

export interface PrintOptions {
  /** What is printed, a line for each: `__str__` (default), `shape`, `min`, `mean` and so on. */
  readonly attrs?: readonly PrintAttribute[] | undefined;
  /** Called with each value in the place of printing. */
  readonly globalFn?: PrintFunction | undefined;
}

function printer(message = "", { attrs = ["__str__"], globalFn }: PrintOptions = {}): (x: Operand) => Variable {
  const unknown = attrs.find((a) => !Object.hasOwn(ATTRIBUTES, a));
  if (unknown !== undefined) fail("value", "print-attribute", { what: `Print() does not know the attribute '${unknown}'.`, fix: `use ${Object.keys(ATTRIBUTES).join(", ")}` });
  const params: PrintParams = { message, attrs: [...attrs], sink: globalFn === undefined ? toConsole : new Sink(globalFn) };
  return (x) => apply1(op, [asTensor(x)], params);
}

/** `const y = Print("y", { attrs: ["shape", "mean"] })(x)`, with or without `new`: use y in the place of x. Error: `print-attribute`. */
export const Print = printer as unknown as { (message?: string, options?: PrintOptions): (x: Operand) => Variable; new (message?: string, options?: PrintOptions): (x: Operand) => Variable };
