/**
 * What the command-line program says before and after: settings beside the article's, what ran on which device and why, which files it wrote.
 * Must not know models.
 */
import type { Explanation } from "damo";

/** Our default of a setting, which fits a few minutes on two cores, and the article's. */
export type Settings = Readonly<Record<string, { readonly ours: unknown; readonly article: unknown }>>;

const text = (x: unknown): string => (Array.isArray(x) ? x.join(",") : String(x));

/** `epochs 5 (article: 15), …`: only what differs from the article is shown beside it. */
export function reportSettings(log: (line: string) => void, settings: Settings, chosen: Readonly<Record<string, unknown>>, dataset: string | null, { ours, article: theirs } = { ours: "digits", article: "MNIST" }): void {
  const parts = Object.entries(settings).map(([name, { article }]) => `${name} ${text(chosen[name])}${text(article) === text(chosen[name]) ? "" : ` (article: ${text(article)})`}`);
  const data = dataset === ours ? `${dataset} ${ours === "digits" ? "drawn" : "made"} here (article: ${theirs})` : dataset;
  log(`Settings: ${parts.join(", ")}${data === null ? "" : `; data: ${data}`}.${parts.some((p) => p.includes("(article")) ? " --article takes the article's." : ""}`);
}

/** The device and the reason it was chosen, once; then the kernels of each function. */
export function reportFunctions(functions: Readonly<Record<string, { readonly explain: () => Explanation } | null>>, plan = false): void {
  const explained = Object.entries(functions).map(([name, f]) => [name, f?.explain()] as const);
  const ran = explained.filter((e): e is readonly [string, Explanation] => e[1] !== undefined && e[1].kernels !== null);
  for (const device of new Set(ran.map(([, e]) => `Device: ${e.device}${e.description === "" ? "" : ` (${e.description})`}. Why: ${e.reason}.`))) console.log(device);
  for (const [name, e] of ran) {
    console.log(`${name}: ${e.kernels?.distinct} kernels, ${e.kernels?.exact ? "" : "at least "}${e.kernels?.launches} launches per call`);
    for (const note of e.notes) console.log(`  ${note}`);
    if (plan) console.log(e.plan);
  }
}

export function reportFiles(files: readonly string[]): void {
  const [first, ...others] = files;
  if (first === undefined) return;
  console.log(`Written: ${files.length <= 3 ? files.join(", ") : `${first} … ${others.at(-1)} (${files.length} files)`}`);
}
