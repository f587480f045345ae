/**
 * Where in the user's program a variable was made. The stack is captured when the variable is made (cheap) and read only when printed.
 */

/** Frames of damo itself; src/models counts as user code, since it is written on the public API. */
const OWN = new RegExp(`^${new URL("../", import.meta.url).pathname.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}(?!models/)`);

export class Origin {
  readonly #holder: { stack?: string };
  #line: string | null = null;

  constructor(holder: { stack?: string }) {
    this.#holder = holder;
  }

  /** `file.ts:12:5` of the first frame outside damo, or `unknown`. */
  toString(): string {
    this.#line ??= userFrame(this.#holder.stack ?? "");
    return this.#line;
  }
}

function userFrame(stack: string): string {
  for (const line of stack.split("\n").slice(1)) {
    const place = /\(?((?:file:\/\/)?[^\s()]+:\d+:\d+)\)?$/.exec(line.trim())?.[1];
    if (place === undefined || place.startsWith("node:")) continue;
    const path = place.replace(/^file:\/\//, "").replace(/\?[^:]*/, "");
    if (!OWN.test(path)) return path;
  }
  return "unknown";
}

/** Set while gradients and rewrites build variables on behalf of a user's line; always restored by `onBehalfOf`. */
let current: Origin | null = null;

/** Variables made inside `build` carry this origin instead of the line being executed. */
export function onBehalfOf<T>(origin: Origin, build: () => T): T {
  const before = current;
  current = origin;
  try {
    return build();
  } finally {
    current = before;
  }
}

/** The place that is being executed now, or the one that `onBehalfOf` names. */
export function here(): Origin {
  if (current !== null) return current;
  const holder: { stack?: string } = {};
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 25;
  Error.captureStackTrace?.(holder, here);
  Error.stackTraceLimit = limit;
  return new Origin(holder);
}
