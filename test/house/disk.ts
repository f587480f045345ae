/**
 * Reads the repository into the maps that the house's rules take.
 * Must not know any rule.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { FileMap } from "./walk.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every TypeScript file below the folders, keyed by its path in the repository. A folder that is absent gives none. */
export function readSources(...folders: readonly string[]): FileMap {
  const out = new Map<string, string>();
  for (const folder of folders) {
    if (!statSync(ROOT + folder, { throwIfNoEntry: false })) continue;
    for (const entry of readdirSync(ROOT + folder, { recursive: true, encoding: "utf8" }).sort()) {
      const path = `${folder}/${entry.replaceAll("\\", "/")}`;
      if (path.endsWith(".ts") && !path.includes("/node_modules/")) out.set(path, readFileSync(ROOT + path, "utf8"));
    }
  }
  return out;
}

export function readJson(path: string): unknown {
  return JSON.parse(readFileSync(ROOT + path, "utf8"));
}
