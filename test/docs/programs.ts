/**
 * Programs that teach say in comments what they print: beside a `console.log`, in the lines right below it, or, where something else prints, in
 * the lines below `// prints:`. `…` stands for any text. Must not know which programs there are.
 */
import { readFileSync } from "node:fs";
import { format } from "node:util";
import { expect, vi } from "vitest";
import { config } from "damo";

const BESIDE = /console\.log\(.*\); \/\/ (.*)$/;
const ABOVE = /console\.log\(.*\);$|^\s*\/\/ prints:$/;
const COMMENT = /^\s*\/\/ ?(.*)$/;

/** What the comments of a program say that it prints, in order. */
export function promised(code: string): string[] {
  const lines = code.split("\n");
  return lines.flatMap((line, i) => {
    const beside = BESIDE.exec(line)?.[1];
    if (beside !== undefined) return [beside];
    if (!ABOVE.test(line)) return [];
    const below = lines.slice(i + 1);
    const end = below.findIndex((l) => !COMMENT.test(l));
    const said = below.slice(0, end < 0 ? below.length : end).map((l) => COMMENT.exec(l)?.[1] as string);
    return said.length === 0 ? [] : [said.join("\n")];
  });
}

/** Whether a text is as promised. */
export const agrees = (printed: string, promise: string): boolean =>
  new RegExp(`^${promise.split("…").map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("[\\s\\S]*")}$`).test(printed);

/** Runs a program with the settings given, and expects it to print what it promises, all of it and nothing else. */
export async function expectPromised(program: URL, settings: Partial<typeof config> = {}): Promise<void> {
  const expected = promised(readFileSync(program, "utf8")).join("\n");
  const before = { ...config };
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...args) => void lines.push(format(...args)));
  try {
    Object.assign(config, settings);
    // Modules run once for each address.
    await import(`${program.href}?${Object.values(settings).join()}`);
    const printed = lines.join("\n");
    expect(expected).not.toBe("");
    if (!agrees(printed, expected)) expect(printed).toBe(expected);
  } finally {
    log.mockRestore();
    Object.assign(config, before);
  }
}
