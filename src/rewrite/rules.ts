/**
 * Every rule damo has: those of the op records, in order of definition, and those that need several ops, from the files of rules beside them.
 * Next: phases.ts.
 */
import type { Rule } from "../graph/rule.js";
import { allOps } from "../ops/define.js";

const FILES: readonly (readonly Rule[])[] = [];

/** In the order in which they are tried at a node. */
export const allRules = (): readonly Rule[] => [...FILES.flat(), ...allOps().flatMap((op) => op.fields.rules ?? [])];
