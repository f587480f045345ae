/** The line that a CI reads: counts from vitest's report, and no way to look green after a run that failed. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../scripts/closing-line.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "damo-closing-"));
afterAll(() => rmSync(folder, { recursive: true }));

function line(report: object | undefined, status: number): string {
  const path = join(folder, report ? "report.json" : "absent.json");
  if (report) writeFileSync(path, JSON.stringify(report));
  return execFileSync(process.execPath, [SCRIPT, path, String(status)], { encoding: "utf8" });
}

const counts = { numPassedTests: 12, numFailedTests: 0, numPendingTests: 2, numTodoTests: 1 };

test("counts of a green run", () => {
  expect(line({ ...counts, testResults: [{ status: "passed", assertionResults: [{}] }] }, 0)).toBe("12 passed, 0 failed, 3 skipped\n");
});
test("failed tests, and files that could not be loaded", () => {
  const testResults = [
    { status: "failed", assertionResults: [{}] },
    { status: "failed", assertionResults: [] },
  ];
  expect(line({ ...counts, numFailedTests: 3, testResults }, 1)).toBe("12 passed, 4 failed, 3 skipped\n");
});
test("a failing run never reads as green", () => {
  expect(line({ ...counts, testResults: [] }, 1)).toBe("12 passed, 1 failed, 3 skipped\n");
  expect(line(undefined, 2)).toBe("0 passed, 1 failed, 0 skipped\n");
});
