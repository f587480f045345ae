/**
 * The frame: what JavaScript and a plan's module tell each other through memory, before, during and after a run; and the few words that all
 * threads share. Must not know plans. Used by module.ts, executable.ts and threads.ts.
 */

/** Byte offsets in a frame. Addresses of given blocks and of outputs follow, then numbers of 8 bytes. */
export const FRAME = {
  /** Address of the scratch memory, then of the threads' own. */
  scratch: 0,
  own: 4,
  /** Written by thread 0: whether a routine failed, launches and routines run, the count of a loop that cannot be. */
  failed: 8,
  launches: 12,
  routines: 16,
  count: 20,
  addresses: 24,
} as const;

/** What `run` gives. */
export const STATUS = { done: 0, failed: 1, loopCount: 2 } as const;

/** Byte addresses of words that threads share, each in a cache line of its own. The arena begins behind them. */
export const CONTROL = {
  /** How many threads have come to the barrier, which barrier it is, and how many sleep there. */
  arrived: 64,
  barrier: 128,
  asleep: 192,
  /** Set when a thread cannot go on: barriers are open then. */
  abort: 256,
  /** Whether the calling thread may sleep (not on a browser's main thread). */
  callerSleeps: 320,
  /** Changes whenever workers are told something; they sleep here. */
  command: 384,
  /** How many workers sleep. */
  idle: 448,
  /** How many runs have been asked for; what is to be run: module and frame. */
  runs: 512,
  module: 516,
  frame: 520,
  /** How many messages have been sent to each worker, and how many runs all workers together have finished. */
  sent: 576,
  finished: 640,
  /** For each thread: how many messages it has dealt with. */
  handled: 704,
  end: 1024,
} as const;

/** As many threads as there are words for what they have dealt with. */
export const MOST_THREADS = (CONTROL.end - CONTROL.handled) / 4;
