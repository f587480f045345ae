/**
 * Options that Python takes by position or by keyword: `T.repeat(x, 2, 1)` means `T.repeat(x, 2, { axis: 1 })`. Must not know any op.
 */
import { isRecord } from "../util/record.js";

/** A value, or options that name it. Values may be numbers, text, lists, arrays and variables; options are a plain object. */
export type Named<K extends string, V> = V | { readonly [Key in K]?: V | undefined };

/** What was given by position or under one of the names; undefined where nothing was. */
export function optionOf<K extends string, V>(given: Named<K, V> | undefined, ...names: readonly K[]): V | undefined {
  if (!isRecord(given)) return given as V | undefined;
  const name = names.find((n) => given[n] !== undefined);
  return name === undefined ? undefined : (given[name] as V);
}
