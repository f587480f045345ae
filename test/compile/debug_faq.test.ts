/** The examples of Theano's page "Debugging Theano: FAQ and Troubleshooting" (doc/tutorial/debug_faq.txt), section by section. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Apply, apply, closeDevices, compile, type ComputedThunk, config, debugprint, defineOp, detectNan, fail, MonitorMode, type NdArray, numpy as np, Print, scan, shared, T, type Thunk, type Variable } from "damo";

const device = "reference";
const ones = (...shape: number[]): NdArray => np.ones(shape).astype(config.floatX);
const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.spyOn(console, "log").mockImplementation((...args: unknown[]) => void lines.push(args.map(String).join(" ")));
});
afterEach(async () => {
  vi.restoreAllMocks();
  config.computeTestValue = "off";
  config.exceptionVerbosity = "low";
  await closeDevices();
});

const messageOf = async (call: () => Promise<unknown>): Promise<string> => call().then(() => "no error", (e: unknown) => (e as Error).message);

describe("Interpreting Error Messages", () => {
  const build = (): ReturnType<typeof compile> => {
    const [x, y] = [T.vector(), T.vector()];
    let z = x.add(x);
    z = z.add(y);
    return compile([x, y], z, { device });
  };

  test("the error says op, types, shapes, small values, the user's line and what to do", async () => {
    const text = await messageOf(() => build()(ones(2), ones(3)));
    expect(text).toMatch(/dimension mis-match/);
    expect(text).toMatch(/made at: .*debug_faq\.test\.ts:\d+:\d+/);
    expect(text).toMatch(/in: add\(.*float32\[\?\].*float32\[\?\]\)/);
    expect(text).toMatch(/input \d: float32\[3\] = \[1,1,1\]/);
    expect(text).toMatch(/what to do: /);
    expect(text).toContain('config.exceptionVerbosity = "high"');
    expect(text).not.toContain("[id A]");
  });

  test("exceptionVerbosity = high prints the graph of the apply", async () => {
    config.exceptionVerbosity = "high";
    const text = await messageOf(() => build()(ones(2), ones(3)));
    expect(text).toMatch(/graph of this apply:\n {2}add \[id A\] <float32\[\?\]> ''\n {2} \|/);
    expect(text).not.toContain('config.exceptionVerbosity = "high"');
  });

  test("the stack that an uncaught error prints says as much", async () => {
    const stack = await build()(ones(2), ones(3)).then(() => "", (e: unknown) => String((e as Error).stack));
    expect(stack).toContain("made at: ");
    expect(stack).toContain("in: add(");
  });
});

test.each(["reference", "wasm", "gpu:cpu"])("what the host's part of an op throws on %s says in which apply, as on the interpreter", async (name) => {
  const refuse = (): never => fail("value", "planted-refusal", { what: "No.", fix: "do not ask" });
  const op = defineOp({
    name: `plantedRefusal ${name}`, doc: "Always refuses.", infer: (inputs) => inputs.slice(0, 1), shape: ({ shapes }) => shapes.slice(0, 1), samples: [],
    lower: { kind: "routine", routine: () => ({ name: "plantedRefusal", config: name, run: refuse }) }, reference: refuse,
  });
  const x = T.fvector("x");
  const y = T.exp(apply(op, [x])[0] as Variable);
  const where = /No\.\n {2}made at: .*debug_faq\.test\.ts:\d+:\d+\n {2}in: plantedRefusal \S+\(x: float32\[\?\]\)\n {2}input 0: x float32\[2\] = \[1,2\]/;
  expect(await messageOf(() => compile([x], y, { device: name })([1, 2]))).toMatch(where);
  expect(await messageOf(() => compile([x], y, { mode: new MonitorMode() })([1, 2]))).toMatch(where);
});

describe("Using Test Values", () => {
  const build = (prepare: (x: Variable) => void): Variable[] => {
    const rng = new np.random.RandomState(1);
    const W1 = shared(rng.uniform({ size: [2, 10, 10] }).astype(config.floatX), { name: "W1" });
    const W2 = shared(rng.uniform({ size: [15, 20] }).astype(config.floatX), { name: "W2" });
    const x = T.matrix("x");
    prepare(x);
    const funcOfW1 = W1.dimshuffle(2, 0, 1).flatten(2).T;
    const h1 = T.dot(x, funcOfW1);
    return [x, T.dot(h1, W2.T)];
  };

  test("off: the function fails when it is called", async () => {
    const [x, h2] = build(() => undefined) as [Variable, Variable];
    config.exceptionVerbosity = "high";
    const text = await messageOf(() => compile([x], h2, { device, mode: "fast_compile" })(ones(5, 10)));
    expect(text).toMatch(/Shape mismatch: x has 10 cols \(and 5 rows\) but y has 20 rows \(and 10 cols\)/);
    expect(text).toMatch(/dot[^\n]*\[id A\][\s\S]*W1 \[id \w\] <float32\[\?,\?,\?\]>/);
  });

  test.each(["warn", "raise", "ignore"] as const)("%s: the line of the product fails as it is written", (setting) => {
    config.computeTestValue = setting;
    const give = (x: Variable): void => { x.tag.testValue = np.ones([5, 10]).astype(config.floatX); };
    expect(() => build(give)).toThrow(expect.objectContaining({ code: "dot-shape", message: expect.stringMatching(/input 0: x float32\[5,10\]\s+input 1: \w+ float32\[20,10\]/) }));
  });
});

test("How do I Print an Intermediate Value in a Function?", async () => {
  const x = T.dvector("x");
  const printed = Print("this is a very important value")(x);
  const [f, g] = [compile([x], x.mul(5), { device }), compile([x], printed.mul(5), { device })];
  expect(((await f([1, 2, 3])) as NdArray).toArray()).toEqual([5, 10, 15]);
  expect(lines).toEqual([]);
  expect(((await g([1, 2, 3])) as NdArray).toArray()).toEqual([5, 10, 15]);
  expect(lines.join()).toMatch(/this is a very important value __str__ = /);
});

describe("How do I Step through a Compiled Function?", () => {
  const values = (of: readonly (readonly [NdArray])[]): string => JSON.stringify(of.map((input) => input[0].toArray()));
  const inspectInputs = (i: number, node: Apply, fn: Thunk): void => console.log(`${i} ${node} input(s) value(s): ${values(fn.inputs)}`);
  const inspectOutputs = (_i: number, _node: Apply, fn: ComputedThunk): void => console.log(` output(s) value(s): ${values(fn.outputs)}`);

  test("MonitorMode({ preFunc, postFunc })", async () => {
    const x = T.dscalar("x");
    const f = compile([x], [T.mul(5, x)], { mode: new MonitorMode({ preFunc: inspectInputs, postFunc: inspectOutputs }) });
    expect(await f(3)).toEqual([15]);
    expect(lines).toEqual(["0 mul(TensorConstant{5.0}, x) input(s) value(s): [5,3]", " output(s) value(s): [15]"]);
    expect(f.explain().toString()).toContain("device: interpreter: MonitorMode runs the graph apply by apply");
  });

  test("detect_nan of the page, and detectNan", async () => {
    const own = (_i: number, node: Apply, fn: ComputedThunk): void => {
      for (const output of fn.outputs) {
        if (!output[0].data.some(Number.isNaN)) continue;
        console.log("*** NaN detected ***");
        console.log(debugprint(node.outputs));
        console.log(`Inputs : ${values(fn.inputs)}`);
        console.log(`Outputs: ${values(fn.outputs)}`);
        break;
      }
    };
    const x = T.dscalar("x");
    for (const postFunc of [own, detectNan]) {
      lines.length = 0;
      const f = compile([x], [T.log(x).mul(x)], { mode: new MonitorMode({ postFunc }) });
      expect(await f(0)).toEqual([Number.NaN]);
      expect(lines.join("\n")).toMatch(/^\*\*\* NaN detected \*\*\*\nmul \[id A\].*\n \|[\s\S]*log[\s\S]*Inputs : [\s\S]*\nOutputs: /);
    }
    expect(lines.join("\n")).toMatch(/Inputs : (x float64\[\] = 0; log float64\[\] = "-Infinity"|log float64\[\] = "-Infinity"; x float64\[\] = 0)\nOutputs: mul float64\[\] = "NaN"/);
  });

  test("steps of a scan are seen, numbered on; optimizer says how the graph is rewritten", async () => {
    const seen: string[] = [];
    const x = T.dscalar("x");
    const [out] = scan({ fn: (s) => T.tanh(s as Variable), outputsInfo: x, nSteps: 3 });
    const f = compile([x], out, { mode: new MonitorMode({ preFunc: (i, node) => void seen.push(`${i} ${node.op}`), optimizer: "none" }) });
    expect(((await f(0.5)) as NdArray).toArray()).toEqual([Math.tanh(0.5), Math.tanh(Math.tanh(0.5)), Math.tanh(Math.tanh(Math.tanh(0.5)))]);
    expect(seen.filter((s) => s.endsWith("tanh"))).toHaveLength(3);
    expect(seen.map((s) => Number(s.split(" ")[0]))).toEqual(seen.map((_, i) => i));
  });

  test("updates happen, together, and not where a function throws", async () => {
    const n = shared(1, { name: "n", dtype: "float64" });
    const m = shared(2, { name: "m", dtype: "float64" });
    let stop = false;
    const postFunc = (): void => { if (stop) throw new Error("stopped"); };
    const f = compile([], n.add(m), { updates: [[n, m.mul(1)], [m, n.add(m)]], mode: new MonitorMode({ postFunc }) });
    expect(await f()).toBe(3);
    expect([(await n.getValue()).item(), (await m.getValue()).item()]).toEqual([2, 3]);
    stop = true;
    await expect(f()).rejects.toThrow("stopped");
    expect([(await n.getValue()).item(), (await m.getValue()).item()]).toEqual([2, 3]);
  });

  test("results are the caller's own", async () => {
    const w = shared([1, 2], { name: "w", dtype: "float64" });
    const next = w.add(1);
    const f = compile([], next, { updates: [[w, next]], mode: new MonitorMode() });
    const got = (await f()) as NdArray;
    got.data.fill(9);
    expect((await w.getValue()).toArray()).toEqual([2, 3]);
  });
});

test("How to Use pdb: the product of matrices that do not fit", async () => {
  const [a, b] = [T.dmatrix("a"), T.dmatrix("b")];
  const f = compile([a, b], [a.mul(b)], { device });
  const text = await messageOf(() => f(np.ones([3, 4]), np.ones([5, 5])));
  expect(text).toMatch(/dimension mis-match[\s\S]*in: mul\(a: float64\[\?,\?\], b: float64\[\?,\?\]\)\s+input 0: a float64\[3,4\]\s+input 1: b float64\[5,5\]/);
});
