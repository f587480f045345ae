/**
 * Prints 'N passed, N failed, N skipped' from the JSON report of a vitest run.
 * A run that left no report (it did not type-check, lint, build or end) counts as one failure, and so does a test file that could not be loaded.
 *   node scripts/closing-line.mjs <report.json> <exit status of the run>
 */
import { existsSync, readFileSync } from "node:fs";

/** The line for a report (its text, or undefined when there is none) and the exit status of the run that wrote it. */
export function closingLine(text, status) {
  if (text === undefined) return `0 passed, ${status === 0 ? 0 : 1} failed, 0 skipped`;
  const report = JSON.parse(text);
  const unloaded = report.testResults.filter((file) => file.status === "failed" && file.assertionResults.length === 0).length;
  const failed = report.numFailedTests + unloaded;
  const skipped = report.numPendingTests + report.numTodoTests;
  return `${report.numPassedTests} passed, ${failed === 0 && status !== 0 ? 1 : failed} failed, ${skipped} skipped`;
}

const [, self, path, status] = process.argv;
if (path !== undefined && self?.endsWith("closing-line.mjs")) {
  console.log(closingLine(existsSync(path) ? readFileSync(path, "utf8") : undefined, Number(status)));
}
