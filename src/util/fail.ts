/**
 * Every error damo raises: a coded message that says what happened, at which line of user code, what was seen, and what to do.
 * Must not know graphs, kernels or devices; callers pass plain strings. The table of codes is the list of things that can go wrong.
 */

/** Theano's (and Python's) names for the families of errors; each is a class below so that `instanceof` works. */
export class DamoError extends Error {
  /** Stable identifier of the message, for tests and searches: `update-type`, `unused-input`, … */
  readonly code: string;
  /** What to do about it. */
  readonly hint: string;
  /** Whether it says in which node of a graph it happened. */
  #isPlaced = false;

  constructor(code: string, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.name = new.target.name;
  }

  /** Adds what only the caller of what failed knows: the user's line, the node and its inputs. An error is placed once, by whoever is nearest. */
  place(where: string, saw: readonly string[]): void {
    if (this.#isPlaced) return;
    this.#isPlaced = true;
    const before = this.message;
    const at = before.lastIndexOf("\n  what to do:");
    const known = before.includes("\n  made at: ");
    const lines = [...(known || where === "" ? [] : [`made at: ${where}`]), ...saw].map((line) => `\n  ${line}`).join("");
    this.message = at < 0 ? before + lines : before.slice(0, at) + lines + before.slice(at);
    // Engines write the message into the stack when the error is made.
    if (this.stack !== undefined) this.stack = this.stack.replace(before, () => this.message);
  }
}

/** A wrong type, rank or kind of argument. */
export class DamoTypeError extends DamoError {}
/** A right type with a wrong value: shapes that do not match, duplicates, negative sizes. */
export class ValueError extends DamoError {}
/** A matrix that a computation of linear algebra is not defined for: singular, not square, not positive definite. */
export class LinAlgError extends ValueError {}
/** An index outside its axis. */
export class IndexError extends DamoError {}
/** A gradient asked for a variable that the cost does not depend on. */
export class DisconnectedInputError extends ValueError {}
/** A gradient that is mathematically undefined. */
export class NullTypeGradError extends DamoTypeError {}
/** A function needs a variable that is neither an input, a constant nor a shared variable. */
export class MissingInputError extends DamoError {}
/** An input that no output or update needs. */
export class UnusedInputError extends DamoError {}
/** Something this device or this version cannot do. */
export class NotSupportedError extends DamoError {}
/** A file that is absent, truncated, corrupt or of the wrong format. */
export class DataError extends DamoError {}
/** A state that no input should reach: a bug in damo. */
export class InternalError extends DamoError {}

const FAMILIES = {
  type: DamoTypeError,
  value: ValueError,
  linalg: LinAlgError,
  index: IndexError,
  disconnected: DisconnectedInputError,
  nullGrad: NullTypeGradError,
  missing: MissingInputError,
  unused: UnusedInputError,
  unsupported: NotSupportedError,
  data: DataError,
  internal: InternalError,
} as const;

export type Family = keyof typeof FAMILIES;

export interface Failure {
  /** What happened, one sentence. */
  readonly what: string;
  /** The user's line(s) where the variables concerned were made, as printed by `formatOrigin`. */
  readonly where?: string | undefined;
  /** Types, shapes and small values, one per line: `input 0: float32[2,3]`. */
  readonly saw?: readonly string[] | undefined;
  /** What to do. */
  readonly fix: string;
}

/** Builds the error of a family; `code` is unique to the message. */
export function failure(family: Family, code: string, f: Failure): DamoError {
  const lines = [f.what];
  if (f.where) lines.push(`  made at: ${f.where}`);
  for (const s of f.saw ?? []) lines.push(`  ${s}`);
  lines.push(`  what to do: ${f.fix}`, `  [${code}]`);
  return new FAMILIES[family](code, lines.join("\n"), f.fix);
}

/** Throws it. */
export function fail(family: Family, code: string, f: Failure): never {
  throw failure(family, code, f);
}

/** For states that no user input should reach. */
export function impossible(what: string): never {
  fail("internal", "internal", { what: `internal: ${what}`, fix: "this is a bug in damo; please report it with the program that shows it" });
}
