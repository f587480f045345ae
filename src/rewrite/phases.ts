/**
 * The order of rewriting. Each phase keeps the rules of those before it, so a graph that a later rule makes is brought to canonical form too.
 * Must not know any particular rule. engine.ts runs it.
 */
import type { Phase } from "../graph/rule.js";
import type { FoldLevel } from "./fold.js";

export type Mode = "fast_run" | "fast_compile" | "none";

export interface PhasePlan {
  readonly name: Phase;
  /** Which rules are tried. */
  readonly rules: readonly Phase[];
  readonly fold: FoldLevel;
  /** Whether scan bodies are rewritten (each once, by its own full run). */
  readonly bodies: boolean;
}

/** Nothing that can overflow is folded before stabilisation has seen it. */
const PHASES: readonly PhasePlan[] = [
  { name: "canonicalise", rules: ["canonicalise"], fold: "exact", bodies: true },
  { name: "stabilise", rules: ["canonicalise", "stabilise"], fold: "exact", bodies: false },
  { name: "specialise", rules: ["canonicalise", "stabilise", "specialise"], fold: "all", bodies: true },
];

/** Without specialisation, what is left to fold is folded by the last phase. */
const QUICK: readonly PhasePlan[] = [...PHASES.slice(0, 2), { name: "specialise", rules: ["canonicalise", "stabilise"], fold: "all", bodies: true }];

export const phasesOf = (mode: Mode): readonly PhasePlan[] => (mode === "none" ? [] : mode === "fast_compile" ? QUICK : PHASES);
