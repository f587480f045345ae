/**
 * What a user may set for the whole process, as THEANO_FLAGS does: `DAMO_FLAGS="floatX=float64,device=wasm,threads=1,fma=0"`, or by assignment.
 * Read when graphs are built (floatX) and when functions are compiled (the rest); never inside kernels.
 */
import { fail } from "./fail.js";

/** How much functions are rewritten and checked; compile() says what each does. */
export const MODES = ["fast_run", "fast_compile", "none", "debug"] as const;
export type Mode = (typeof MODES)[number];

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
}

/** A number of threads; throws `threads-count` for what is none. */
export function checkThreads(n: number): number {
  if (!Number.isInteger(n) || n < 1) fail("value", "threads-count", { what: `There cannot be ${n} threads.`, fix: "give a whole number of at least 1, or leave `threads` out for as many as the device finds useful" });
  return n;
}

/** As in Theano's flags. */
const SWITCH: Readonly<Record<string, boolean>> = { "1": true, "0": false, true: true, false: false, True: true, False: false };

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
    const on = Object.hasOwn(SWITCH, v) ? SWITCH[v] : undefined;
    if (on === undefined) fail("value", "config-fma", { what: `fma cannot be '${v}'.`, fix: "use 1 or 0" });
    c.fma = on;
  },
  // Commas separate flags, so names are separated as in Theano's optimizer_excluding.
  exclude: (c, v) => {
    c.exclude = v.split(":").map((s) => s.trim()).filter((s) => s !== "");
  },
  mode: (c, v) => {
    c.mode = MODES.find((m) => m === v.toLowerCase()) ?? fail("value", "config-mode", { what: `There is no mode '${v}'.`, fix: `use one of ${MODES.join(", ")}` });
  },
};

/** A Config from text like `floatX=float64,device=reference`; unknown names are errors. */
export function parseFlags(flags: string): Config {
  const made: Config = { floatX: "float32", device: "auto", threads: null, fma: null, exclude: [], mode: "fast_run" };
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
 * The settings of this process: `config.floatX`, `config.device`, `config.threads`, `config.fma`, `config.exclude`, `config.mode`. Assign, or set DAMO_FLAGS before
 * it starts, rules as `exclude=softplus:logSigmoid` (errors: `config-flag`, `config-floatX`, `config-fma`, `config-mode`, `threads-count`).
 */
export const config: Config = parseFlags(typeof process === "undefined" ? "" : (process.env.DAMO_FLAGS ?? ""));
