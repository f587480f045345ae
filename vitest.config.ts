/**
 * Two suites: `source` runs every test against src, `package` runs test/package against the built package through its own exports.
 * DAMO_TEST_REPORT=file also writes the results as JSON, which scripts/closing-line.mjs reads.
 */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const src = (path: string) => fileURLToPath(new URL(`src/${path}`, import.meta.url));
const report = process.env.DAMO_TEST_REPORT;

export default defineConfig({
  test: {
    testTimeout: 30_000,
    pool: "forks",
    reporters: report ? ["default", ["json", { outputFile: report }]] : ["default"],
    projects: [
      {
        extends: true,
        resolve: {
          alias: [
            { find: /^damo$/, replacement: src("index.ts") },
            { find: /^damo\/(models|testing)$/, replacement: src("$1/index.ts") },
          ],
        },
        test: { name: "source", include: ["test/**/*.test.ts"], exclude: ["test/package/**"] },
      },
      { extends: true, test: { name: "package", include: ["test/package/*.test.ts"] } },
    ],
  },
});
