import { describe, expect, it } from "vitest";
import { Chooser } from "../../../src/codegen/wasm/chooser.js";
import { MEASURED } from "../../../src/codegen/wasm/phases.js";

/** Calls of a function that takes so many milliseconds on one thread and on all; gives how many ran on each. */
function calls(chooser: Chooser, count: number, one: (n: number) => number, all: (n: number) => number, cost = 5e5): { one: number; all: number } {
  const seen = { one: 0, all: 0 };
  for (let n = 0; n < count; n++) {
    const kind = chooser.choose(cost);
    seen[kind]++;
    chooser.note(kind, cost, kind === "one" ? one(n) : all(n));
  }
  return seen;
}

describe("the choice between one thread and all", () => {
  it("is one for little work and all for much, untried", () => {
    const chooser = new Chooser(MEASURED);
    expect([chooser.choose(MEASURED.wake - 1), chooser.choose(MEASURED.sure)]).toEqual(["one", "all"]);
    expect([chooser.isLong(MEASURED.long - 1), chooser.isLong(MEASURED.long)]).toEqual([false, true]);
  });

  it("falls on what is faster, and tries the other ever more rarely", () => {
    expect(calls(new Chooser(MEASURED), 10_000, () => 1, () => 0.6).one).toBeLessThan(200);
    expect(calls(new Chooser(MEASURED), 10_000, () => 1, () => 30).all).toBeLessThan(200);
  });

  it("begins with all where calls are long, and tries one for a few calls only", () => {
    const chooser = new Chooser(MEASURED);
    expect(calls(chooser, 50, () => 10, () => 6, MEASURED.long)).toEqual({ one: 0, all: 50 });
    expect(calls(chooser, 10_000, () => 10, () => 6, MEASURED.long).one).toBeLessThan(80);
    expect(calls(chooser, 4000, () => 10, () => 20, MEASURED.long).all).toBeLessThan(3000);
  });

  it("is not misled by calls that something else delays", () => {
    expect(calls(new Chooser(MEASURED), 10_000, () => 1, (n) => (n % 7 === 0 ? 20 : 0.6)).one).toBeLessThan(300);
  });

  it("sees through slow beginnings: of code that is not optimised yet, and of workers that sleep after each pause", () => {
    let asleep = 0;
    const chooser = new Chooser(MEASURED);
    const seen = calls(chooser, 10_000, (n) => {
      asleep = 2;
      return n < 20 ? 10 : 1;
    }, (n) => (n < 20 ? 20 : asleep-- > 0 ? 1.5 : 0.6));
    expect(seen.one).toBeLessThan(300);
  });

  it("changes when times change", () => {
    const chooser = new Chooser(MEASURED);
    calls(chooser, 50, () => 1, () => 0.6);
    expect(chooser.choose(5e5)).toBe("all");
    expect(calls(chooser, 1000, () => 1, () => 8).all).toBeLessThan(200);
    expect(calls(chooser, 4000, () => 1, () => 0.6).one).toBeLessThan(2000);
  });
});
