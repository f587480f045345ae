/** Random kernels over small whole numbers, where every device must agree to the last bit. A failure prints the kernel and the seed. */
import fc from "fast-check";
import { afterAll, describe, it } from "vitest";
import type { Backend } from "../../../src/codegen/backend.js";
import { gpujsFactory } from "../../../src/codegen/gpujs/index.js";
import { acc, axis, cast, constant, type Expr, load, prim, redAxis, scalar } from "../../../src/codegen/ir/expr.js";
import type { BufferType, ReduceOp } from "../../../src/codegen/ir/kernel.js";
import { expectSame, modes, onePlan, sizeOf } from "./devices.js";

const F = "float32";
const int = (n: number): Expr => constant(n, "int32");

/** Builds expressions from a tape of choices; values stay whole and below 2^12, so float32 holds everything in between. */
class Maker {
  private at = 0;
  inTerm = false;

  constructor(private readonly tape: readonly number[], private readonly types: readonly BufferType[], private readonly domain: readonly number[], private readonly extents: readonly number[]) {}

  pick(n: number): number {
    return this.at < this.tape.length ? (this.tape[this.at++] as number) % n : 0;
  }

  private positions(): { e: Expr; extent: number }[] {
    const all = this.domain.map((extent, a) => ({ e: axis(a, extent) as Expr, extent }));
    return this.inTerm ? [...all, ...this.extents.map((extent, a) => ({ e: redAxis(a, extent) as Expr, extent }))] : all;
  }

  private index(extent: number, depth: number): Expr {
    const fitting = this.positions().filter((p) => p.extent <= extent);
    const some = fitting[this.pick(Math.max(1, fitting.length))];
    switch (this.pick(7)) {
      case 1: return some ? prim("sub", int(some.extent - 1), some.e) : int(0);
      case 2: return prim("mod", this.sumOfPositions(), int(extent));
      case 3: return prim("mod", prim("floorDiv", this.sumOfPositions(), int(2 + this.pick(3))), int(extent));
      case 4: return depth > 0 ? prim("mod", prim("abs", cast(this.value(depth - 1), "int32")), int(extent)) : int(extent - 1);
      case 5: return prim("mod", prim("add", scalar(0, "int32"), some?.e ?? int(0)), int(extent));
      default: return some?.e ?? int(this.pick(extent));
    }
  }

  private sumOfPositions(): Expr {
    return this.positions().reduce<Expr>((sum, p) => prim("add", prim("mul", sum, int(1 + this.pick(4))), p.e), int(this.pick(3)));
  }

  private bounded(e: Expr): Expr {
    return prim("mod", e, constant(61, F));
  }

  value(depth: number): Expr {
    if (depth <= 0 && this.pick(3) === 0) return constant(this.pick(9) - 4, F);
    const n = this.pick(this.types.length);
    const type = this.types[n] as BufferType;
    const element = (): Expr => cast(load(n, type.dtype, type.shape.map((d) => this.index(d, depth - 1))), F);
    if (depth <= 0) return element();
    const sub = (): Expr => this.value(depth - 1);
    switch (this.pick(8)) {
      case 0: return element();
      case 1: return this.bounded(prim((["add", "sub", "mul"] as const)[this.pick(3)] ?? "add", sub(), sub()));
      case 2: return prim((["min", "max"] as const)[this.pick(2)] ?? "min", sub(), sub());
      case 3: return prim("select", prim((["lt", "le", "eq", "ne"] as const)[this.pick(4)] ?? "lt", sub(), sub()), sub(), sub());
      case 4: return prim((["abs", "neg", "sgn"] as const)[this.pick(3)] ?? "abs", sub());
      case 5: return cast(this.positions()[0]?.e ?? int(3), F);
      case 6: return prim("floorDiv", sub(), constant([2, 4, -8][this.pick(3)] as number, F));
      default: return this.guarded(n, type);
    }
  }

  /** A load that is out of bounds where the other side is chosen. */
  private guarded(n: number, type: BufferType): Expr {
    const p = this.positions()[0];
    const [first, ...rest] = type.shape;
    if (!p || first === undefined) return constant(1, F);
    const i = prim("sub", p.e, int(1));
    const inside = prim("and", prim("le", int(0), i), prim("lt", i, int(first)));
    return prim("select", inside, cast(load(n, type.dtype, [i, ...rest.map((d) => this.index(d, 0))]), F), constant(-1, F));
  }
}

const extent = fc.constantFrom(1, 2, 3, 4, 5, 8);
const setup = fc.record({
  tape: fc.array(fc.nat(5040), { minLength: 30, maxLength: 120 }),
  buffers: fc.array(fc.record({ dtype: fc.constantFrom<"int32" | "float32" | "bool">("float32", "int32", "bool"), shape: fc.array(extent, { maxLength: 3 }), seed: fc.nat(50) }), { minLength: 1, maxLength: 4 }),
  domain: fc.array(extent, { maxLength: 4 }),
  extents: fc.option(fc.array(fc.constantFrom(1, 2, 3, 9, 16), { minLength: 1, maxLength: 2 })),
  op: fc.constantFrom<ReduceOp>("sum", "max", "min"),
  shift: fc.nat(9),
});

const available = await modes();

describe.each(available)("gpu:%s", (mode) => {
  const opened: Promise<Backend> = gpujsFactory(mode).create();
  afterAll(async () => { await (await opened).dispose(); });

  it("computes random kernels as the reference does", async () => {
    const backend = await opened;
    await fc.assert(
      fc.asyncProperty(setup, async ({ tape, buffers, domain, extents, op, shift }) => {
        const maker = new Maker(tape, buffers, domain, extents ?? []);
        maker.inTerm = extents !== null;
        const term = maker.value(3);
        maker.inTerm = false;
        const reduction = extents && { op, extents, term, dtype: F } as const;
        const result = extents ? prim("add", acc(F), maker.value(2)) : term;
        const data = buffers.map(({ dtype, shape, seed }) => {
          const at = (n: number): number => ((n * 7 + seed) % 17) - 8;
          const length = sizeOf(shape);
          return dtype === "float32" ? Float32Array.from({ length }, (_, n) => at(n)) : dtype === "int32" ? Int32Array.from({ length }, (_, n) => at(n)) : Uint8Array.from({ length }, (_, n) => at(n) & 1);
        });
        const plan = onePlan(buffers, domain, reduction, [result], ["int32"]);
        await expectSame(backend, plan, data, [shift], 0);
      }),
      { numRuns: mode === "cpu" || mode === "webasm" ? 300 : 80 },
    );
  }, 120_000);
});
