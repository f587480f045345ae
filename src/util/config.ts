/**
 * What a user may set for the whole process, as THEANO_FLAGS does: `DAMO_FLAGS="floatX=float64,device=wasm,threads=1,fma=0"`, or by assignment.
 * Read when graphs are built (floatX) and when functions are compiled (the rest); never inside kernels.
 */
import { fail } from "./fail.js";

/** How much functions are rewritten and checked; compile() says what each does. */
export const MODES = ["fast_run", "fast_compile", "none", "debug", "nan_guard"] as const;
export type Mode = (typeof MODES)[number];

/** What becomes of a node that lacks a test value, where test values are computed at all. */
export const TEST_VALUES = ["off", "raise", "warn", "ignore"] as const;

export interface Config {
  /** dtype of `T.matrix()`, of `shared(0.5)` and of casts to floatX. */
  floatX: "float32" | "float64";
  /** `auto`, `reference`, `gpu`, `gpu:webasm`, … */
  device: string;
  /** Threads of devices that have them; null: as many as the device finds useful. Results do not depend on it. */
  threads: number | null;
  /** Whether products are added without rounding them first (fused multiply-add): faster, and the last bits depend on the machine. null: where the engine does it as it is. */
  fma: boolean | null;
  /** Rewrite rules left out of every function, by name. */
  exclude: readonly string[];
  /** Mode of functions that do not say theirs. */
  mode: Mode;
  /** Computes every apply on test values as it is made (`variable.tag.testValue`); what lacks one is an error, a warning or left out. */
  computeTestValue: (typeof TEST_VALUES)[number];
  /** Printing a variable (console.log) shows its test value. */
  printTestValue: boolean;
  /** `high`: errors print the graph of the apply in which they happened. */
  exceptionVerbosity: "low" | "high";
  /** Profiles every function, and prints the profiles on stderr when the process ends. */
  profile: boolean;
}

/** A number of threads; throws `threads-count` for what is none. */
export function checkThreads(n: number): number {
  if (!Number.isInteger(n) || n < 1) fail("value", "threads-count", { what: `There cannot be ${n} threads.`, fix: "give a whole number of at least 1, or leave `threads` out for as many as the device finds useful" });
  return n;
}

/** Theano's words for modes that have a shorter one here. */
const THEANO_MODES: Readonly<Record<string, Mode>> = { debugmode: "debug", debug_mode: "debug", nanguardmode: "nan_guard" };
/** Modes as Theano's programs write them. */
export type TheanoMode = "FAST_RUN" | "FAST_COMPILE" | "DebugMode" | "DEBUG_MODE" | "NanGuardMode";

/** A mode by damo's word or Theano's, in any case. */
export function modeNamed(given: string): Mode | undefined {
  const word = given.toLowerCase();
  return MODES.find((m) => m === word) ?? (Object.hasOwn(THEANO_MODES, word) ? THEANO_MODES[word] : undefined);
}

/** As in Theano's flags. */
const SWITCH: Readonly<Record<string, boolean>> = { "1": true, "0": false, true: true, false: false, True: true, False: false };

function switched(flag: string, v: string): boolean {
  return (Object.hasOwn(SWITCH, v) ? SWITCH[v] : undefined) ?? fail("value", `config-${flag}`, { what: `${flag} cannot be '${v}'.`, fix: "use 1 or 0" });
}

function chosen<T extends string>(flag: string, words: readonly T[], v: string): T {
  return words.find((w) => w === v) ?? fail("value", `config-${flag}`, { what: `${flag} cannot be '${v}'.`, fix: `use one of ${words.join(", ")}` });
}

const SETTERS: Readonly<Record<keyof Config, (c: Config, v: string) => void>> = {
  floatX: (c, v) => {
    if (v !== "float32" && v !== "float64") fail("value", "config-floatX", { what: `floatX cannot be '${v}'.`, fix: "use float32 or float64" });
    c.floatX = v;
  },
  device: (c, v) => {
    c.device = v;
  },
  threads: (c, v) => {
    c.threads = checkThreads(Number(v));
  },
  fma: (c, v) => {
    c.fma = switched("fma", v);
  },
  computeTestValue: (c, v) => {
    c.computeTestValue = chosen("computeTestValue", TEST_VALUES, v);
  },
  printTestValue: (c, v) => {
    c.printTestValue = switched("printTestValue", v);
  },
  exceptionVerbosity: (c, v) => {
    c.exceptionVerbosity = chosen("exceptionVerbosity", ["low", "high"], v);
  },
  profile: (c, v) => {
    c.profile = switched("profile", v);
  },
  // Commas separate flags, so names are separated as in Theano's optimizer_excluding.
  exclude: (c, v) => {
    c.exclude = v.split(":").map((s) => s.trim()).filter((s) => s !== "");
  },
  mode: (c, v) => {
    c.mode = modeNamed(v) ?? fail("value", "config-mode", { what: `There is no mode '${v}'.`, fix: `use one of ${MODES.join(", ")}` });
  },
};

/** A Config from text like `floatX=float64,device=reference`; unknown names are errors. */
export function parseFlags(flags: string): Config {
  const made: Config = { floatX: "float32", device: "auto", threads: null, fma: null, exclude: [], mode: "fast_run", computeTestValue: "off", printTestValue: false, exceptionVerbosity: "low", profile: false };
  for (const part of flags.split(",").map((s) => s.trim()).filter((s) => s !== "")) {
    const [name, value] = part.split("=").map((s) => s.trim());
    if (name === undefined || value === undefined || !Object.hasOwn(SETTERS, name)) {
      fail("value", "config-flag", { what: `DAMO_FLAGS does not understand '${part}'.`, fix: `write name=value with a name of ${Object.keys(SETTERS).join(", ")}` });
    }
    SETTERS[name as keyof Config](made, value);
  }
  return made;
}

/**
 * The settings of this process; Config says what each is. Assign (`config.floatX = "float64"`), or set DAMO_FLAGS before it starts, rules as
 * `exclude=softplus:logSigmoid` (errors: `config-flag`, `config-` and the name of the flag, `threads-count`).
 */
export const config: Config = parseFlags(typeof process === "undefined" ? "" : (process.env.DAMO_FLAGS ?? ""));
