/** The assembler against another: watr, which follows the specification in full. */
import { describe, expect, it } from "vitest";
import { compile } from "watr";
import { assemble } from "../../../src/codegen/wasm/assemble.js";
import { type Immediate, INSTRUCTIONS } from "../../../src/codegen/wasm/opcodes.js";

const hex = (bytes: Uint8Array): string => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");

const same = (text: string): void => {
  expect(hex(assemble(text)), text).toBe(hex(compile(text)));
};

/** Texts of what may follow an instruction. */
const AFTER: Readonly<Record<Immediate, readonly string[]>> = {
  none: [""], zero: [""], zeros: [""], fence: [""], block: ["$l (result i32)"], local: ["$a", "1", "$b"], label: ["$l", "0"], function: ["$f", "$imported"],
  i32: ["0", "-1", "63", "64", "-64", "-65", "2147483647", "-2147483648", "0x1f"], i64: ["0", "-1", "9223372036854775807", "-9223372036854775808", "64"],
  f32: ["0", "-0", "1.5", "1e-40", "3.4028234663852886e+38", "inf", "-inf", "nan", "0.1"], f64: ["0", "-0", "0.1", "5e-324", "1.7976931348623157e308", "inf", "-inf", "nan"],
  v128: ["i32x4 1 -1 2147483647 -2147483648", "f32x4 0.5 -0 inf nan", "f64x2 0.1 -inf", "i64x2 -1 9223372036854775807", "i8x16 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 -1", "i16x8 0 1 2 3 4 5 6 -32768"],
  lane: ["0", "1"], lanes: ["0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31"], memory: ["", "offset=16", "offset=1000000 align=1"], memoryLane: ["0", "offset=300 1"],
};

const module = (body: string): string =>
  `(module (import "m" "memory" (memory 1 65536 shared)) (import "m" "f" (func $imported (param i32 f64) (result f32))) (func $f (param $a i32) (param $b v128) (local $c f32) (local $d f32) (local $e i64) ${body}) (export "f" (func $f)))`;

const wrap = (name: string, after: string, immediate: Immediate): string =>
  immediate === "label" ? `(block $k (block $l unreachable ${name} ${after}))` : `unreachable ${name} ${after}`;

describe("the assembler", () => {
  const plain = [...INSTRUCTIONS].filter(([name, i]) => i.immediate !== "block" && name !== "atomic.fence");
  it("knows every instruction by the specification's number", () => {
    expect(plain.length).toBeGreaterThan(450);
    for (const [name, { immediate }] of plain) for (const after of AFTER[immediate]) same(module(wrap(name, after, immediate)));
  });

  it.each([
    ["operands before, immediates behind", "(drop (f32.add (f32.load offset=4 (local.get $a)) (f32.const 1)))"],
    ["lanes with operands", "(local.set $b (v128.load32_lane offset=8 2 (local.get $a) (local.get $b)))"],
    ["if", "(if (i32.lt_s (local.get $a) (i32.const 3)) (then (local.set $a (i32.const 1))) (else (local.set $a (i32.const 2))))"],
    ["if with a result and no else inside loops and blocks", "(block $done (loop $again (br_if $done (i32.eqz (local.get $a))) (if (local.get $a) (then (br $again))) (drop (if (result f32) (local.get $a) (then (f32.const 1)) (else (f32.const 2))))))"],
    ["nested labels", "(block $l (block $k (br_if $l (local.get $a)) (br $k)) (br 0))"],
    ["plain instructions", "local.get $a local.get $a i32.add local.set $a"],
    ["calls", "(drop (call $imported (local.get $a) (f64.const 2)))"],
    ["comments", ";; a (comment\n (drop (local.get $a)) ;; and another\n"],
    ["bulk memory", "(memory.copy (i32.const 1) (i32.const 2) (i32.const 3)) (memory.fill (i32.const 1) (i32.const 0) (i32.const 3))"],
  ])("writes %s", (_, body) => same(module(body)));

  it("writes functions that call later ones, share types, and have no names", () => {
    same(`(module (memory 1) (func (export "a") (param i32 i32) (result i32) (call $b (local.get 0) (local.get 1))) (func $b (param $x i32) (param $y i32) (result i32) (local i32 i32 f64) (i32.mul (local.get $x) (local.get $y))) (func $none))`);
    same('(module (memory 2 3) (func $f) (export "memory" (memory 0)) (export "f" (func $f)))');
  });

  it("lets an inner label hide an outer one of its name", () => {
    const text = (inner: string): string => module(`(block $l (block ${inner} (br ${inner})) (br $l))`);
    expect(hex(assemble(text("$l")))).toBe(hex(assemble(text("$other"))));
  });

  it.each([
    ["(module (func (i32.frob)))", "no instruction 'i32.frob'"], ["(module (func (local.get $x)))", "no $x"], ["(module (func (br $x)))", "no $x"], ["(module (func (drop (i32.const 1))", "open"],
    ["(module (func (f32.const abc) drop))", "no number"], ["(module (table 1))", "no field 'table'"], ["(module (func (param i31)))", "no type i31"], ["(mod)", "no module"], ["(module (func (if (i32.const 1) (nop))))", "no then"],
  ])("refuses %s", (text, message) => {
    expect(() => assemble(text)).toThrow(expect.objectContaining({ code: "internal", message: expect.stringContaining(message) }));
  });
});
