/** MRG31k3p's primitives as WebAssembly against their meaning, for one stream and for four; rows of six there and back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evalPrim } from "../../../src/codegen/ir/prims.js";
import { gatherRows6, mrgNext1, mrgNext2, mrgOutput, scatterRows6 } from "../../../src/codegen/wasm/mrg.js";
import { Func } from "../../../src/codegen/wasm/wat.js";
import { instantiate, memoryOf } from "./run_code.js";

const WRITERS = { mrgNext1, mrgNext2, mrgOutput };
type Name = keyof typeof WRITERS;
const NAMES = Object.keys(WRITERS) as Name[];

/** Neighbours of everything at which a step changes its course. */
const EDGES = [0, 2 ** 9, 2 ** 15, 2 ** 16, 2 ** 24, 2 ** 30, 21069, 2 ** 31 - 21069, 2 ** 31 - 1]
  .flatMap((x) => [x - 2, x - 1, x, x + 1, x + 2]).filter((x) => x >= 0 && x < 2 ** 31);
const state = fc.oneof(fc.integer({ min: 0, max: 2 ** 31 - 1 }), fc.constantFrom(...EDGES));

/** Arguments at 0 and 64 -> results at 128. */
function applied(name: Name, lanes: 1 | 4): string {
  const fn = new Func(`$${name}${lanes}`, []);
  const step = lanes === 4 ? 16 : 4;
  for (let at = 0; at < 16; at += step) {
    const args = [at, 64 + at].map((from) => fn.let(lanes === 4 ? "v128" : "i32", `(${lanes === 4 ? "v128" : "i32"}.load (i32.const ${from}))`));
    fn.line(`(${lanes === 4 ? "v128" : "i32"}.store (i32.const ${128 + at}) ${WRITERS[name](fn, lanes, args)})`);
  }
  return fn.text();
}

const memory = memoryOf(65536);
const words = new Int32Array(memory.buffer);

describe.each(NAMES)("%s", (name) => {
  const exports = instantiate([applied(name, 1), applied(name, 4)], [`$${name}1`, `$${name}4`], memory);

  const check = (pairs: readonly (readonly [number, number])[]): void => {
    const four = Array.from({ length: 4 }, (_, n) => pairs[n % pairs.length] as readonly [number, number]);
    const want = four.map((args) => evalPrim(name, args, "int32"));
    for (const lanes of [1, 4]) {
      four.forEach(([a, b], n) => {
        words[n] = a;
        words[16 + n] = b;
        words[32 + n] = -1;
      });
      exports[`${name}${lanes}`]?.();
      expect([...words.subarray(32, 36)], `${lanes} at a time, of ${JSON.stringify(four)}`).toEqual(want);
    }
  };

  test("of any states", () => {
    fc.assert(fc.property(fc.array(fc.tuple(state, state), { minLength: 4, maxLength: 4 }), check), { numRuns: 2000 });
  });
  test("of all pairs of edges", () => {
    for (const a of EDGES) for (let n = 0; n < EDGES.length; n += 4) check(EDGES.slice(n, n + 4).map((b) => [a, b] as const));
  });
});

test("four rows of six are read as columns and written as rows", () => {
  const fn = new Func("$move", [{ name: "$from", type: "i32" }, { name: "$to", type: "i32" }]);
  const columns = gatherRows6(fn, "(local.get $from)");
  columns.forEach((c, n) => { fn.line(`(v128.store offset=${n * 16} (local.get $to) ${c})`); });
  scatterRows6(fn, "(i32.add (local.get $to) (i32.const 96))", columns);
  const { move } = instantiate([fn.text()], ["$move"], memory);
  const rows = Array.from({ length: 24 }, (_, n) => n * 1000003);
  words.set(rows, 25);
  words.fill(-1, 100, 160);
  move?.(100, 400);
  const column = (c: number): number[] => [0, 1, 2, 3].map((r) => rows[r * 6 + c] as number);
  expect([...words.subarray(100, 124)]).toEqual([0, 1, 2, 3, 4, 5].flatMap(column));
  expect([...words.subarray(124, 148)]).toEqual(rows);
  expect([...words.subarray(148, 152)]).toEqual([-1, -1, -1, -1]);
});
