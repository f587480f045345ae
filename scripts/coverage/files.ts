/** Which files the coverage page is made of. Must not read them: the script and the test do. */
import { NOTHING_TO_WRITE, OUT_OF_SCOPE } from "./out_of_scope.js";
import type { Sources } from "./report.js";

const FOLDER = "scripts/coverage";
const PORTS = ["ports_functions.ts", "ports_tensors.ts"] as const;

/** `read` gives the text of a file of the repository. */
export const coverageSources = (read: (path: string) => string): Sources => ({
  census: read(`${FOLDER}/census.tsv`), ports: PORTS.map((name) => read(`${FOLDER}/${name}`)), nothingToWrite: NOTHING_TO_WRITE, outOfScope: OUT_OF_SCOPE,
});
