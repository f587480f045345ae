/**
 * The built package in a browser, bundled by Vite as a user would: the device wasm on two threads where the page is cross-origin isolated, on one
 * where it is not, with the same bits as in Node. Needs Chromium (CHROMIUM=path, or Debian's); says so where there is none.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { closeDevices } from "damo";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

interface Answer { readonly cost: number; readonly sum: number; readonly report: string; readonly isolated: boolean; readonly error?: string }

const PAGE = fileURLToPath(new URL("./browser/page.mjs", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = ["--headless", "--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const found = existsSync(CHROMIUM);
if (!found) console.warn(`skipped the browser's tests: no ${CHROMIUM} (install chromium, or say where it is by CHROMIUM=path)`);

async function bundle(): Promise<string> {
  const made = await build({ configFile: false, logLevel: "silent", build: { write: false, target: "esnext", rolldownOptions: { input: PAGE, output: { codeSplitting: false } } } });
  const [output] = Array.isArray(made) ? made : [made];
  if (!output || !("output" in output)) throw new Error("Vite made no bundle");
  return output.output[0].code;
}

const profiles: string[] = [];

/** Serves the bundle and opens it; gives what the page posts. */
function opened(code: string, isolated: boolean): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const profile = mkdtempSync(join(tmpdir(), "damo-browser-"));
    profiles.push(profile);
    let browser: ChildProcess | null = null;
    const server: Server = createServer((request, response) => {
      if (isolated) response.setHeader("Cross-Origin-Opener-Policy", "same-origin").setHeader("Cross-Origin-Embedder-Policy", "require-corp");
      if (request.method !== "POST") {
        const isCode = request.url === "/page.js";
        response.setHeader("Content-Type", isCode ? "text/javascript" : "text/html").end(isCode ? code : '<!doctype html><script type="module" src="/page.js"></script>');
        return;
      }
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk)).on("end", () => {
        response.end();
        resolve(JSON.parse(Buffer.concat(chunks).toString()) as Answer);
        browser?.kill();
        server.close();
      });
    });
    server.listen(0, "127.0.0.1", () => {
      browser = spawn(CHROMIUM, [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${(server.address() as AddressInfo).port}/`], { stdio: "ignore" });
      browser.on("error", reject);
    });
  });
}

describe.skipIf(!found)("in Chromium", () => {
  let code = "";
  let here: Answer;
  beforeAll(async () => {
    code = await bundle();
    const { train } = (await import(PAGE)) as { train: (device: string, threads: number, steps: number) => Promise<Answer> };
    here = await train("wasm", 1, 60);
  }, 60_000);
  afterAll(async () => {
    await closeDevices();
    // The browser's processes end one after the other, and write until then.
    for (const profile of profiles) await rm(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }, 60_000);

  it.each([[true, /^wasm: [1-9]\d* of 60 calls on 2 threads$/m], [false, /^wasm: one thread$/m]])("isolated %s: the bits of Node's, on the threads that can be had", async (isolated, threads) => {
    const answer = await opened(code, isolated);
    expect(answer).toMatchObject({ isolated, cost: here.cost, sum: here.sum });
    expect(answer.error).toBeUndefined();
    expect(answer.report).toMatch(threads);
  }, 60_000);
});
