/**
 * What a user may set for the whole process, as THEANO_FLAGS does: `DAMO_FLAGS="floatX=float64,device=gpu:webasm"`, or by assignment.
 * Read when graphs are built (floatX) and when functions are compiled (the rest); never inside kernels.
 */
import { fail } from "./fail.js";

export interface Config {
  /** dtype of `T.matrix()`, of `shared(0.5)` and of casts to floatX. */
  floatX: "float32" | "float64";
  /** `auto`, `reference`, `gpu`, `gpu:webasm`, … */
  device: string;
}

const SETTERS: Readonly<Record<keyof Config, (c: Config, v: string) => void>> = {
  floatX: (c, v) => {
    if (v !== "float32" && v !== "float64") fail("value", "config-floatX", { what: `floatX cannot be '${v}'.`, fix: "use float32 or float64" });
    c.floatX = v;
  },
  device: (c, v) => {
    c.device = v;
  },
};

/** A Config from text like `floatX=float64,device=reference`; unknown names are errors. */
export function parseFlags(flags: string): Config {
  const made: Config = { floatX: "float32", device: "auto" };
  for (const part of flags.split(",").map((s) => s.trim()).filter((s) => s !== "")) {
    const [name, value] = part.split("=").map((s) => s.trim());
    if (name === undefined || value === undefined || !Object.hasOwn(SETTERS, name)) {
      fail("value", "config-flag", { what: `DAMO_FLAGS does not understand '${part}'.`, fix: `write name=value with a name of ${Object.keys(SETTERS).join(", ")}` });
    }
    SETTERS[name as keyof Config](made, value);
  }
  return made;
}

/** The settings of this process: `config.floatX`, `config.device`. Assign, or set DAMO_FLAGS before it starts (errors: `config-flag`, `config-floatX`). */
export const config: Config = parseFlags(typeof process === "undefined" ? "" : (process.env.DAMO_FLAGS ?? ""));
