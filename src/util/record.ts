/**
 * What callers write as `{ name: value }`: told from arrays, typed arrays and objects with a class of their own. Must not know what is in it.
 */
export const isRecord = <V = unknown>(x: unknown): x is Readonly<Record<string, V>> => typeof x === "object" && x !== null && Object.getPrototypeOf(x) === Object.prototype;
