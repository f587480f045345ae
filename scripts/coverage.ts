/**
 * Writes docs/COVERAGE.md: `npm run coverage`, from the root of the repository. The state of each name is in coverage/.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { coverageSources } from "./coverage/files.js";
import { coveragePage } from "./coverage/report.js";

mkdirSync("docs", { recursive: true });
const page = coveragePage(coverageSources((path) => readFileSync(path, "utf8")));
writeFileSync("docs/COVERAGE.md", page);
console.log(page.split("\n").find((line) => line.startsWith("Of ")));
