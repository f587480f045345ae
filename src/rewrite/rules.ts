/**
 * Every rule damo has: those of the op records, in order of definition, those that need several ops, from the files of rules beside them, and those that
 * user code registers.
 * Next: phases.ts.
 */
import type { Rule } from "../graph/rule.js";
import { ADVANCED_RULES } from "../ops/advanced_rules.js";
import { ARITHMETIC_RULES } from "../ops/arithmetic_rules.js";
import { allOps } from "../ops/define.js";
import { fillRules } from "../ops/fill_rules.js";
import { JOIN_RULES } from "../ops/join_rules.js";
import { LOG_RULES } from "../ops/log_rules.js";
import { NNET_RULES } from "../ops/nnet_rules.js";
import { shapeRules } from "../ops/shape_rules.js";
import { SUBTENSOR_RULES } from "../ops/subtensor_rules.js";
import { SWITCH_RULES } from "../ops/switch_rules.js";
import { fail } from "../util/fail.js";

/** Rules of user code, which the op registry does not hold: they may concern ops that others defined. */
const registered: Rule[] = [];

/** In the order in which they are tried at a node. */
export const allRules = (): readonly Rule[] => [
  ...fillRules(), ...shapeRules(), ...SUBTENSOR_RULES, ...JOIN_RULES, ...ADVANCED_RULES, ...SWITCH_RULES, ...ARITHMETIC_RULES, ...LOG_RULES, ...NNET_RULES, ...allOps().flatMap((op) => op.fields.rules ?? []), ...registered,
];

/** Lets every function compiled from now on use a rule (`compile(…, { exclude: [name] })` leaves it out), as Theano's `register_canonicalize` and the like do. Error: `rule-twice`. */
export function registerRule(rule: Rule): void {
  if (allRules().some((r) => r.name === rule.name)) fail("value", "rule-twice", { what: `A rule named '${rule.name}' is there already.`, fix: "give the new rule another name" });
  registered.push(rule);
}
