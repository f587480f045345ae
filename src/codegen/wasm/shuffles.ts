/**
 * Registers made of parts of two others: words are 32 bits, halves 64. Must not know what they hold. Used by convert.ts, machine.ts and mrg.ts.
 */

const shuffle = (bytes: string) => (a: string, b: string): string => `(i8x16.shuffle ${bytes} ${a} ${b})`;

/** a0 b0 a1 b1, in words. */
export const lowWords = shuffle("0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23");
/** a2 b2 a3 b3. */
export const highWords = shuffle("8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31");
/** a0 a2 b0 b2. */
export const evenWords = shuffle("0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27");
/** a0 b0, in halves. */
export const lowHalves = shuffle("0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23");
/** a1 b1. */
export const highHalves = shuffle("8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31");
