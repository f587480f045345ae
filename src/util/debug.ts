/**
 * DAMO_DEBUG=1..4: what is printed on stderr while functions are compiled. 1: phase times and kernel counts; 2: also rewrites fired;
 * 3: also the plan; 4: also the generated sources.
 */

/** The level now; 0 where the variable is unset or there is no process. */
export function debugLevel(): number {
  const text = typeof process === "undefined" ? undefined : process.env.DAMO_DEBUG;
  const level = Number(text ?? 0);
  return Number.isFinite(level) ? level : 0;
}

/** Prints when the level is high enough; `text` is only made then. */
export function debug(level: number, text: () => string): void {
  if (debugLevel() >= level) console.error(`damo: ${text()}`);
}
