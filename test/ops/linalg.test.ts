/** Linear algebra: values from NumPy 1.24 and gradients from PyTorch 1.13, what composes, types, and every message at graph time. */
import { describe, expect, it } from "vitest";
import { grad, gradient, numpy as np, T, type Variable, verifyGrad } from "../../src/index.js";
import { arrayOf, numbersOf } from "./evaluate.js";

const code = (c: string) => expect.objectContaining({ code: c });
const { nlinalg, slinalg } = T;
const x = T.dmatrix("x");
const y = T.dmatrix("y");
const v = T.dvector("v");
const cube = T.dtensor3("c");
const A = [[2, -1, 0.5], [1, 3, -1], [0.25, 1, 1.5]];
const B = [[1, 2, -1], [0.5, -1, 2]];
const BT = [[1, 0.5], [2, -1], [-1, 2]];
/** Symmetric, and positive definite. */
const S = [[2, 1, 0.5], [1, -3, 1], [0.5, 1, 1]];
const P = [[4, 1, -0.5], [1, 3, 1], [-0.5, 1, 2]];
const b = [1, 2, 3];
const W = [[1, 2, 3], [-1, 0.5, 2], [0, 1, -2]];

type Numbers = number | readonly Numbers[];
const flat = (n: Numbers): number[] => (typeof n === "number" ? [n] : n.flatMap(flat));

/** The value at X (and Y, b) is what NumPy prints, up to rounding. */
function has(made: Variable, X: Numbers, wanted: Numbers, digits = 10, Y: Numbers = P): void {
  const got = arrayOf(made, [[x, X as number[][]], [y, Y as number[][]], [v, b]]);
  const shape = (n: Numbers): number[] => (typeof n === "number" ? [] : [n.length, ...shape(n[0] ?? 0)]);
  expect(got.shape.join()).toBe(shape(wanted).join());
  flat(wanted).forEach((w, i) => expect(got.data[i]).toBeCloseTo(w, digits));
}

/** Columns of one length up to sign. */
function hasVectors(made: Variable, X: Numbers, wanted: readonly (readonly number[])[]): void {
  has(T.abs_(made), X, wanted.map((row) => row.map(Math.abs)));
}

describe("inverses and determinants", () => {
  it("are NumPy's", () => {
    has(nlinalg.det(x), A, 12.874999999999998);
    has(nlinalg.matrixInverse(x), A, [[0.4271844660194175, 0.1553398058252427, -0.03883495145631069], [-0.13592233009708737, 0.22330097087378642, 0.19417475728155337], [0.01941747572815533, -0.17475728155339804, 0.5436893203883495]]);
    has(nlinalg.pinv(x), B, [[0.36363636363636387, 0.3376623376623377], [0.3636363636363639, 0.05194805194805212], [0.09090909090909094, 0.4415584415584417]]);
    has(nlinalg.matrixPower(x, 3), A, [[2.4375, -13.875, 10.1875], [15.5, 12.25, -10.625], [8.34375, 12.25, -1.25]]);
    has(nlinalg.matrixPower(x, -2), A, [[0.16061834291639177, 0.1078329720049015, -0.007540767273070053], [-0.08464511264021114, -0.005184277500235633, 0.1542086907342822], [0.042605335092845684, -0.13102083136959183, 0.2609105476482232]]);
    has(nlinalg.matrixPower(x, 0), A, [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    has(nlinalg.matrixDot(x, y, x), [[0, 1], [1, 0]], [[4, 3], [2, 1]], 12, [[1, 2], [3, 4]]);
    has(nlinalg.trace(x), A, 6.5);
    has(nlinalg.extractDiag(x), A, [2, 3, 1.5]);
    has(nlinalg.allocDiag(v), A, [[1, 0, 0], [0, 2, 0], [0, 0, 3]]);
  });

  it("have PyTorch's gradients", () => {
    has(grad(nlinalg.matrixInverse(x).mul(W).sum(), x), A, [[-0.3280233763785465, -0.2919219530587237, -0.3979639928362711], [0.03958902818361772, -0.30959562635498156, -0.6416250353473465], [-0.019605994909982088, 0.0009425959091337574, 0.546328588933924]]);
    has(grad(nlinalg.det(x), x), A, [[5.5, -1.75, 0.25], [2, 2.875, -2.25], [-0.5, 2.5, 7]]);
    has(grad(nlinalg.pinv(x).mul([[1, 2], [3, -1], [0.5, 1]]).sum(), x), B, [[-0.7485242030696597, -0.5277449822904386, -0.304014167650532], [-0.45943666722887583, -0.4483049418114362, -0.6417608365660317]]);
    verifyGrad((a) => nlinalg.matrixPower(a, 3), [A]);
    verifyGrad((a, c) => nlinalg.matrixDot(a, c, a), [A, P]);
  });

  it("the exponential is PyTorch's, with its gradient and the next", () => {
    has(slinalg.expm(x), A, [[4.132824287322726, -7.587355905732396, 5.747703299862557], [8.564368579230575, 9.277648509309678, -5.633330558736044], [4.827876996927633, 6.610343232234221, 2.293171681452888]], 12);
    has(grad(slinalg.expm(x).mul(W).sum(), x), A, [[1.1219273333962572, 12.964427952769075, 24.751186248133358], [-10.492536030258085, -7.983683017101539, -4.160998938737077], [-2.9162618631909303, 17.89955197872018, -0.10522751356852968]], 12);
    has(slinalg.expm(x), [[0, 30], [0, 0]], [[1, 30], [0, 1]]);
    verifyGrad((a) => grad(slinalg.expm(a).mul(W).sum(), a), [A]);
  });

  it("have second derivatives, and Jacobians times vectors from the right", () => {
    verifyGrad((a) => grad(nlinalg.matrixInverse(a).mul(W).sum(), a), [A]);
    verifyGrad((a) => grad(T.log(nlinalg.det(a)), a), [A]);
    const pushed = (made: (a: Variable) => Variable) => (a: Variable, direction: Variable): Variable => gradient.Rop(made(a), a, direction);
    verifyGrad(pushed(nlinalg.matrixInverse), [A, W]);
    has(gradient.Rop(nlinalg.matrixInverse(x), x, y).add(nlinalg.matrixDot(nlinalg.matrixInverse(x), y, nlinalg.matrixInverse(x))), A, [[0, 0, 0], [0, 0, 0], [0, 0, 0]]);
  });

  it("of integers are floatX; of rows and columns have their flags", () => {
    const i = T.imatrix();
    expect([nlinalg.det(i).dtype, nlinalg.matrixInverse(i).dtype, slinalg.solve(i, T.ivector()).dtype, nlinalg.svd(i, { computeUv: false }).dtype, nlinalg.norm(i, 1).dtype]).toEqual(new Array(5).fill("float32"));
    expect(slinalg.solve(T.fmatrix(), T.dvector()).dtype).toBe("float64");
    expect(String(nlinalg.pinv(T.drow()).type)).toBe("float64[?,1]");
    verifyGrad((r) => nlinalg.pinv(r), [[[1, 2.5]]], { broadcastable: [[true, false]] });
  });

  it("refuse other ranks and powers", () => {
    const all: readonly ((a: Variable) => unknown)[] = [nlinalg.det, nlinalg.matrixInverse, nlinalg.pinv, nlinalg.eig, nlinalg.eigh, nlinalg.svd, nlinalg.qr, slinalg.cholesky, slinalg.expm];
    for (const f of all) expect(() => f(v)).toThrow(code("linalg-rank"));
    expect(() => nlinalg.det(cube)).toThrow(code("linalg-rank"));
    expect(() => nlinalg.matrixPower(x, 0.5)).toThrow(code("matrix-power"));
  });
});

describe("systems", () => {
  it("have NumPy's solutions", () => {
    has(slinalg.solve(x, v), A, [0.6213592233009709, 0.8932038834951458, 1.3009708737864079]);
    has(slinalg.solve(x, y), A, [[0.6213592233009708, 0.1941747572815534], [0.8932038834951456, 0.02912621359223306], [1.3009708737864076, -0.7184466019417475]], 10, [[1, 0], [2, 1], [3, -1]]);
    const [lower, upper] = [[0.5, 0.5, 1.5833333333333333], [0.6666666666666666, 1.3333333333333333, 2]];
    for (const f of [slinalg.solveLowerTriangular, (p: Variable, q: Variable) => slinalg.solve(p, q, { AStructure: "lower_triangular" }), new slinalg.Solve({ AStructure: "lower_triangular", lower: true }), (p: Variable, q: Variable) => slinalg.solveTriangular(p, q, { lower: true })]) has(f(x, v), A, lower);
    for (const f of [slinalg.solveUpperTriangular, slinalg.Solve({ AStructure: "upper_triangular" }), slinalg.solveTriangular]) has(f(x, v), A, upper);
    has(slinalg.solveSymmetric(x, v).sub(slinalg.solve(x, v)), S, [0, 0, 0]);
    expect(() => slinalg.solve(x, v, { AStructure: "lower" as never })).toThrow(code("solve-structure"));
    expect(() => slinalg.solve(x, T.dscalar())).toThrow(code("solve-rank"));
    expect(() => slinalg.solve(v, v)).toThrow(code("linalg-rank"));
  });

  it("have PyTorch's gradients; those of triangles are triangular", () => {
    const cost = slinalg.solve(x, v).mul(W[0] as number[]).sum();
    has(grad(cost, x), A, [[-0.1327175040060326, -0.19078141200867188, -0.27787727401263085], [-0.048260910547648195, -0.06937505891224428, -0.10104628145913842], [-1.2306532189650297, -1.7690640022622302, -2.576680177208031]]);
    has(grad(cost, v), A, [0.21359223300970875, 0.07766990291262132, 1.9805825242718447]);
    verifyGrad((p, q) => slinalg.solveLowerTriangular(p, q), [A, b]);
    verifyGrad((p, q) => grad(T.sqr(slinalg.solve(p, q)).sum(), p), [A, b]);
  });

  it("of tensors are NumPy's", () => {
    const t = T.dtensor4("t");
    const T4 = [[[[5, 1], [4, 2]], [[2, 4], [1, 0]]], [[[1, 4], [2, 2]], [[4, 1], [0, 1]]]];
    const wanted = [[[[0.04958677685950416, 0.08264462809917356], [-0.14049586776859502, 0.1818181818181818]], [[-0.09090909090909091, 0.18181818181818182], [0.09090909090909094, 0]]], [[[0.2644628099173553, 0.10743801652892561], [-0.08264462809917356, -0.3636363636363636]], [[-0.10743801652892558, -0.512396694214876], [0.4710743801652892, 0.2727272727272727]]]];
    expect(arrayOf(nlinalg.tensorinv(t), [[t, T4]]).toArray()).toEqual(wanted.map((p) => p.map((q) => q.map((r) => r.map((n) => expect.closeTo(n, 10))))));
    expect(numbersOf(nlinalg.tensorsolve(t, x), [[t, T4], [x, [[1, 2], [3, 4]]]])).toEqual([[0.5206611570247934, 0.5454545454545456], [-1.2231404958677685, 1.3719008264462806]].map((r) => r.map((n) => expect.closeTo(n, 10))));
    const T6 = [[[1, 2], [0, 1]], [[0, 1], [1, 0]], [[2, 0], [1, 1]], [[1, 1], [0, 3]]];
    const one = [[[0.36363636363636365, -0.4545454545454546, 0.4545454545454545, -0.2727272727272727], [0.4545454545454545, 0.18181818181818182, -0.18181818181818182, -0.09090909090909091]], [[-0.45454545454545453, 0.8181818181818182, 0.18181818181818182, 0.09090909090909091], [-0.2727272727272727, 0.09090909090909091, -0.09090909090909091, 0.45454545454545453]]];
    for (const made of [nlinalg.tensorinv(cube, 1), nlinalg.tensorinv(cube, { ind: 1 })]) expect(numbersOf(made, [[cube, T6]])).toEqual(one.map((p) => p.map((q) => q.map((n) => expect.closeTo(n, 10)))));
    for (const moved of [nlinalg.tensorsolve(cube.dimshuffle(1, 0, 2), v, { axes: [0, 2] }), nlinalg.tensorsolve(cube.dimshuffle(1, 0, 2), v, [0, -1])]) expect(numbersOf(moved, [[cube, T6], [v, [1, 2, 3, 4]]])).toEqual([[-0.2727272727272727, -0.09090909090909094], [2.090909090909091, 1.4545454545454546]].map((r) => r.map((n) => expect.closeTo(n, 10))));
    verifyGrad((p, q) => nlinalg.tensorsolve(p, q), [np.asarray(T4, { dtype: "float64" }), [[1, 2], [3, 4.5]]]);
    expect(() => nlinalg.tensorinv(t, 0)).toThrow(code("tensorinv-ind"));
    expect(() => nlinalg.tensorsolve(v, x)).toThrow(code("tensorsolve-rank"));
    expect(() => nlinalg.tensorsolve(t, x, { axes: [4] })).toThrow(code("axis-range"));
  });
});

describe("Cholesky", () => {
  const L = [[2, 0, 0], [0.5, 1.6583123951777, 0], [-0.25, 0.6784005252999682, 1.2154310870109943]];
  it("is NumPy's, lower and upper", () => {
    has(slinalg.cholesky(x), P, L);
    for (const upper of [slinalg.cholesky(x, { lower: false }), new slinalg.Cholesky({ lower: false })(x)]) has(upper.T, P, L);
    has(T.log(slinalg.cholesky(x).diagonal()).sum().mul(2), P, 2.7880929087757464);
    expect(numbersOf(slinalg.cholesky(x, { onError: "nan" }), [[x, S]])).toEqual(new Array(3).fill(new Array(3).fill(Number.NaN)));
    expect(numbersOf(grad(slinalg.cholesky(x, { onError: "nan" }).sum(), x), [[x, [[-1]]]])).toEqual([[Number.NaN]]);
    expect(() => slinalg.cholesky(x, { onError: "zero" as never })).toThrow(code("cholesky-on-error"));
    expect(() => numbersOf(slinalg.cholesky(x), [[x, S]])).toThrow(code("linalg-positive-definite"));
  });

  it("has PyTorch's gradient, in the triangle that is read", () => {
    has(grad(slinalg.cholesky(x).mul(W).sum(), x), P, [[0.2528710831486063, 0, 0], [2 * -0.14266794966749133, -0.11028207083963062, 0], [2 * -0.26236723414613233, 2 * 0.6380922609808082, -0.8227533512074423]]);
    verifyGrad((a) => grad(slinalg.cholesky(a, { lower: false }).mul(W).sum(), a), [P]);
  });
});

describe("eigenvalues", () => {
  it("are NumPy's; of symmetric matrices one triangle is read", () => {
    const [w, vectors] = nlinalg.eigh(x);
    has(w, S, [-3.3760183873876253, 0.8502294577157394, 2.525788929671886]);
    hasVectors(vectors, S, [[0.16086657247773972, -0.47185696955145523, -0.8668753925132381], [-0.9660064611885585, 0.10481597728844255, -0.23631573762029995], [0.20236961926440916, 0.8754225329466824, -0.4389554943362624]]);
    const other = [[2, 1, 0.5], [1, -3, 1], [9, 1, 1]];
    for (const [upper] of [nlinalg.eigh(x, "U"), nlinalg.eigh(x, { UPLO: "U" })]) has(upper, other, [-3.3760183873876253, 0.8502294577157408, 2.525788929671885]);
    has(w, other, [-7.514227840159203, -3.1459495284649885, 10.66017736862419]);
    has(T.sort(nlinalg.eig(x)[0]), [[1, 2], [3, 4]], [-0.3722813232690143, 5.372281323269014]);
    const [values, right] = nlinalg.eig(x);
    has(T.sort(values), [[2, 1, 0.5], [0, -3, 1], [1, 0, 1]], [-2.9474508939826296, 0.4815561465839957, 2.4658947473986315]);
    has(T.dot(x, right).sub(right.mul(values)), [[2, 1, 0.5], [0, -3, 1], [1, 0, 1]], new Array(3).fill([0, 0, 0]));
    has(slinalg.eigvalsh(x), S, [-3.3760183873876253, 0.8502294577157394, 2.525788929671886]);
    for (const lower of [true, false]) has(slinalg.eigvalsh(x, y, { lower }), S, [-1.9498025120563867, 0.27670603783154507, 0.8269426280709955]);
    expect(() => nlinalg.eigh(x, "l" as never)).toThrow(code("eigh-uplo"));
    expect(() => numbersOf(nlinalg.eig(x)[0], [[x, [[0, -1], [1, 0]]]])).toThrow(code("linalg-complex"));
    expect(() => numbersOf(w, [[x, [[Number.NaN]]]])).toThrow(code("linalg-finite"));
  });

  it("have PyTorch's gradients, in the triangle that is read; eig has none", () => {
    const [w, vectors] = nlinalg.eigh(x);
    const cost = w.pow(3).sum().add(T.sqr(vectors).mul(W).sum());
    has(grad(cost, x), S, [[16.46866568096174, 0, 0], [2 * -1.4078272857800544, 33.00249475139781, 0], [2 * 6.973045913982803, 2 * -4.683039008896548, 6.028839567640414]]);
    verifyGrad((p, q) => slinalg.eigvalsh(p, q, { lower: false }), [S, P]);
    expect(numbersOf(grad(w.sum(), x), [[x, [[1, 0], [0, 1]]]])).toEqual([[1, 0], [0, 1]]);
    expect(() => grad(nlinalg.eig(x)[0].sum(), x)).toThrow(code("grad-undefined"));
  });
});

describe("singular values", () => {
  const s = [3.0240753892854886, 1.4508507986412038];
  const U = [[-0.7438189039121907, 0.6683812072334677], [0.6683812072334676, 0.7438189039121907]];
  const V = [[-0.1354557170587741, -0.7129514769032463, 0.6880057705408971], [0.7170211162745669, 0.4086867589073024, 0.5646732257777226], [-0.6837634587578278, 0.5698028822981897, 0.4558423058385517]];
  it("are NumPy's, with all vectors or as many as values", () => {
    const [u, values, vt] = nlinalg.svd(x);
    has(values, B, s);
    hasVectors(u, B, U);
    hasVectors(vt, B, V);
    hasVectors(nlinalg.svd(x)[0], BT, (V[0] as number[]).map((_, i) => V.map((row) => row[i] as number)));
    const narrow = nlinalg.svd(x, { fullMatrices: false });
    hasVectors(narrow[2], B, V.slice(0, 2));
    has(T.dot(narrow[0].mul(narrow[1]), narrow[2]), B, B);
    has(nlinalg.svd(x, { computeUv: false }), A, [3.4192537444106295, 2.253959732557486, 1.670589523295076]);
    expect(() => numbersOf(values, [[x, [[Number.NaN]]]])).toThrow(code("linalg-finite"));
  });

  it("have PyTorch's gradients", () => {
    has(grad(nlinalg.svd(x, { computeUv: false }).sum(), x), B, [[0.5799979622987809, 0.8034653353915462, -0.13433472579126152], [0.44279780509482536, -0.1725344317776201, 0.8798647473642635]]);
    const [u, , vt] = nlinalg.svd(x, { fullMatrices: false });
    const cost = T.sqr(u).mul([[1, 2], [3, 4]]).sum().add(T.sqr(vt).mul([[1, 0, 2], [3, 1, -1]]).sum());
    has(grad(cost, x), B, [[0.36606151039677903, -1.7423304247696512, -1.072303577229367], [1.4420422149093244, -0.665767241447184, 0.3297537065056534]]);
  });

  it("through the null space: its projector is 1 - pinv(a) a, with that gradient", () => {
    const a = T.dmatrix("a");
    const nullRows = nlinalg.svd(a)[2].get(T.arange(1, 4));
    const [one, other] = [T.dot(nullRows.T, nullRows), T.eye(4).sub(T.dot(nlinalg.pinv(a), a))];
    const weights = [[1, 2, -1, 0], [0.5, 3, 1, 2], [-2, 1, 1, 0.5], [1, 0, 2, -1]];
    const [p, q] = [one, other].map((y2) => arrayOf(grad(y2.mul(weights).sum(), a), [[a, [[1, 2, -1, 0.5]]]]).data);
    p?.forEach((n, i) => expect(n).toBeCloseTo(q?.[i] as number, 10));
    expect(Math.max(...(p ?? []))).toBeGreaterThan(0.1);
  });
});

describe("QR", () => {
  const Q = [[-0.40824829046386313, 0.604814736759006, -0.6837634587578278], [-0.8164965809277261, 0.09304842103984734, 0.5698028822981897], [0.4082482904638631, 0.7909115788387002, 0.4558423058385517]];
  const R = [[-2.449489742783178, 1.4288690166235207], [0, 1.7911821050170562]];
  it("is NumPy's in each mode, signs included", () => {
    const [q, r] = nlinalg.qr(x);
    has(q, BT, Q.map((row) => row.slice(0, 2)));
    has(r, BT, R);
    for (const only of [nlinalg.qr(x, "r"), nlinalg.qr(x, { mode: "r" })]) has(only, BT, R);
    const [all, tall] = nlinalg.qr(x, "complete");
    has(all, BT, Q);
    has(tall, BT, [...R, [0, 0]]);
    const [h, tau] = nlinalg.qr(x, "raw");
    has(h, BT, [[-2.449489742783178, 0.5797958971132713, -0.28989794855663564], [1.4288690166235207, 1.7911821050170562, -0.768312849994753]]);
    has(tau, BT, [1.4082482904638631, 1.2576206818466675]);
    has(q, B, [[-0.8944271909999157, -0.4472135954999579], [-0.4472135954999579, 0.8944271909999159]]);
    has(r, B, [[-1.118033988749895, -1.3416407864998732, 0], [0, -1.7888543819998315, 2.23606797749979]]);
    expect(() => nlinalg.qr(x, "full" as never)).toThrow(code("qr-mode"));
  });

  it("has PyTorch's gradient", () => {
    const [q, r] = nlinalg.qr(x);
    const weights = W.map((row) => row.slice(0, 2));
    has(grad(q.mul(weights).sum().add(r.mul(weights.slice(0, 2)).sum()), x), BT, [[-1.6547039078152612, -0.2748218441600451], [-0.8006013612829087, -1.7858584249923446], [-0.8064168875978979, 1.0524407914216245]]);
    verifyGrad((a) => nlinalg.qr(a, "complete"), [BT]);
  });
});

describe("Kronecker products and norms", () => {
  it("are NumPy's", () => {
    has(slinalg.kron(x, y), [[2, -1], [1, 3]], [[2, 4, -2, -1, -2, 1], [1, -2, 4, -0.5, 1, -2], [1, 2, -1, 3, 6, -3], [0.5, -1, 2, 1.5, -3, 6]], 12, B);
    has(slinalg.kron(v, x), [[1, 2]], [1, 2, 2, 4, 3, 6]);
    expect(slinalg.kron(x, cube).ndim).toBe(3);
    verifyGrad((p, q) => slinalg.kron(p, q), [B, A]);
    expect(() => slinalg.kron(v, v)).toThrow(code("kron-rank"));
  });

  it("of every order", () => {
    const matrix = [[null, 3.3541019662496847], ["fro", 3.3541019662496847], ["inf", 4], ["-inf", 3.5], [1, 3], [-1, 1.5], [2, 3.0240753892854886], [-2, 1.4508507986412036], ["nuc", 4.474926187926692]] as const;
    for (const [ord, wanted] of matrix) has(nlinalg.norm(x, ord), B, wanted);
    const vector = [[null, 5.0990195135927845], ["inf", 4], ["-inf", 1], [0, 3], [1, 8], [3, 4.514357435474001], [0.5, 22.392304845413257], [-2, 0.923076923076923]] as const;
    for (const [ord, wanted] of vector) has(nlinalg.norm(x.get(0), ord), [[3, -4, 1]], wanted);
    has(nlinalg.norm(x, { ord: 1 }), B, 3);
    has(nlinalg.norm(x, Number.POSITIVE_INFINITY), B, 4);
    has(nlinalg.norm(x.get(0), Number.NEGATIVE_INFINITY), [[3, -4, 1]], 1);
    verifyGrad((a) => nlinalg.norm(a, "nuc"), [B]);
    expect(() => nlinalg.norm(x, 3)).toThrow(code("norm-unknown"));
    expect(() => nlinalg.norm(v, "fro")).toThrow(code("norm-unknown"));
    expect(() => nlinalg.norm(cube, null)).toThrow(code("norm-rank"));
  });
});
