/** The builder of functions: what it writes is WAT that an assembler takes. */
import { compile } from "watr";
import { expect, it } from "vitest";
import { engine } from "../../../src/codegen/wasm/engine.js";
import { Func, i32 } from "../../../src/codegen/wasm/wat.js";

it("gives no variable the name of a parameter, whatever the hint", () => {
  for (const hint of ["b", "s", "out"]) {
    const fn = new Func("$f", Array.from({ length: 6 }, (_, n) => ({ name: `$${hint}${n}`, type: "i32" as const })));
    const variables = Array.from({ length: 8 }, (_, n) => fn.let("i32", i32(n), hint));
    expect(new Set(variables).size).toBe(8);
    expect(engine.validate(compile(`(module ${fn.text()})`))).toBe(true);
  }
});
