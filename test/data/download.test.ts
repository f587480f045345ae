import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cacheFolder, type DownloadOptions, downloadFile, downloadMnist, MNIST_FILES, type RemoteFile } from "../../src/data/download.js";
import { rejection } from "./helpers.js";

const CONTENT = Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 31 + (i >> 5)) & 255));
const FILE: RemoteFile = { name: "f.gz", bytes: CONTENT.length, sha256: createHash("sha256").update(CONTENT).digest("hex") };

type Handler = (request: IncomingMessage, response: ServerResponse, n: number) => void;

let folder: string;
let server: Server;
let ranges: (string | undefined)[];
let handler: Handler;
let base: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "damo-download-"));
  ranges = [];
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    handler(request, response, ranges.length);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
  await rm(folder, { recursive: true });
});

/** A server that honours Range. */
const serving = (content: Buffer): Handler => (request, response) => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from > 0) response.writeHead(206, { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` });
  response.end(content.subarray(from));
};
const serve = serving(CONTENT);

/** Sends `n` bytes of a promised whole, then cuts the line. */
const cut = (request: IncomingMessage, response: ServerResponse, n: number): void => {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(from > 0 ? 206 : 200, { "content-length": CONTENT.length - from, ...(from > 0 ? { "content-range": `bytes ${from}-${CONTENT.length - 1}/${CONTENT.length}` } : {}) });
  response.write(CONTENT.subarray(from, from + n), () => setTimeout(() => response.destroy(), 20));
};

const options = (extra: Partial<DownloadOptions> = {}): DownloadOptions => ({ folder, mirrors: [base], attempts: 3, stallMs: 2000, ...extra });
const files = (): Promise<string[]> => readdir(folder);

describe("downloadFile", () => {
  it("fetches, checks, reports progress, and does not fetch again", async () => {
    handler = serve;
    const seen: number[] = [];
    const path = await downloadFile(FILE, options({ onProgress: (p) => seen.push(p.received) }));
    expect(await readFile(path)).toEqual(CONTENT);
    expect(seen.at(-1)).toBe(CONTENT.length);
    expect(await files()).toEqual(["f.gz"]);
    await downloadFile(FILE, options());
    expect(ranges).toEqual([undefined]);
  });

  it("resumes a connection that breaks, where it broke", async () => {
    handler = (request, response, n) => (n < 3 ? cut(request, response, 1000) : serve(request, response, n));
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
    expect(ranges).toEqual([undefined, "bytes=1000-", "bytes=2000-"]);
  });

  it("resumes the partial file of an earlier call", async () => {
    handler = (request, response) => cut(request, response, 700);
    const error = await rejection(downloadFile(FILE, options({ attempts: 1 })));
    expect(error.code).toBe("download-failed");
    expect(await files()).toEqual(["f.gz.part"]);
    handler = serve;
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
    expect(ranges).toEqual([undefined, "bytes=700-"]);
    expect(await files()).toEqual(["f.gz"]);
  });

  it("starts over when the server ignores Range", async () => {
    await writeFile(join(folder, "f.gz.part"), CONTENT.subarray(0, 100));
    handler = (_, response) => response.end(CONTENT);
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
    expect(ranges).toEqual(["bytes=100-"]);
  });

  it("refuses corrupt bytes and leaves nothing", async () => {
    const corrupt = Buffer.from(CONTENT);
    corrupt[2500] = (corrupt[2500] as number) ^ 1;
    handler = serving(corrupt);
    const error = await rejection(downloadFile(FILE, options({ attempts: 1 })));
    expect(error.code).toBe("download-failed");
    expect(error.message).toContain(`wrong checksum: expected sha256 ${FILE.sha256}, found ${createHash("sha256").update(corrupt).digest("hex")}`);
    expect(await files()).toEqual([]);
  });

  it("recovers from a partial file with wrong bytes", async () => {
    await writeFile(join(folder, "f.gz.part"), Buffer.alloc(100, 7));
    handler = serve;
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
    expect(ranges).toEqual(["bytes=100-", undefined]);
  });

  it("takes a partial file that is already whole without asking anybody, and drops one that the server cannot continue", async () => {
    await writeFile(join(folder, "f.gz.part"), CONTENT);
    handler = serve;
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
    expect(ranges).toEqual([]);
    await rm(join(folder, "f.gz"));
    await writeFile(join(folder, "f.gz.part"), Buffer.concat([CONTENT, CONTENT]));
    handler = (request, response, n) => (request.headers.range ? response.writeHead(416).end() : serve(request, response, n));
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
    expect(ranges).toEqual(["bytes=10000-", undefined]);
  });

  it("refuses too few and too many bytes", async () => {
    handler = (_, response) => response.end(CONTENT.subarray(0, 4000));
    expect((await rejection(downloadFile(FILE, options({ attempts: 1 })))).message).toContain("expected 5000 bytes, got 4000");
    expect(await files()).toEqual(["f.gz.part"]);
    await rm(join(folder, "f.gz.part"));
    handler = (_, response) => response.end(Buffer.concat([CONTENT, CONTENT]));
    expect((await rejection(downloadFile(FILE, options({ attempts: 1 })))).message).toContain("the server sent more");
    expect(await files()).toEqual([]);
  });

  it("refuses a 206 for another range", async () => {
    await writeFile(join(folder, "f.gz.part"), CONTENT.subarray(0, 100));
    handler = (_, response) => response.writeHead(206, { "content-range": "bytes 50-4999/5000" }).end(CONTENT.subarray(50));
    expect((await rejection(downloadFile(FILE, options({ attempts: 1 })))).message).toContain("asked for bytes from 100");
  });

  it("goes to the next mirror, and names each mirror's reason when all fail", async () => {
    handler = (request, response, n) => (request.url?.startsWith("/good/") ? serve(request, response, n) : response.writeHead(404).end());
    expect(await readFile(await downloadFile(FILE, options({ mirrors: [`${base}/bad`, `${base}/good/`] })))).toEqual(CONTENT);
    await rm(join(folder, "f.gz"));
    const error = await rejection(downloadFile(FILE, options({ mirrors: [`${base}/bad`, "http://127.0.0.1:1"], attempts: 1 })));
    expect(error.message).toMatch(/\/bad: HTTP 404[\s\S]*127\.0\.0\.1:1: fetch failed \(/);
    expect(await files()).toEqual([]);
  });

  it("cuts a silent connection", async () => {
    handler = (_, response) => {
      response.writeHead(200);
      response.write(CONTENT.subarray(0, 10));
    };
    expect((await rejection(downloadFile(FILE, options({ attempts: 1, stallMs: 200 })))).message).toContain("no data for 200 ms");
  });

  it("replaces a finished file that was damaged since", async () => {
    await writeFile(join(folder, "f.gz"), CONTENT.subarray(0, 4999));
    handler = serve;
    expect(await readFile(await downloadFile(FILE, options()))).toEqual(CONTENT);
  });

  it("says so when the folder cannot be made", async () => {
    await writeFile(join(folder, "plain"), "x");
    expect((await rejection(downloadFile(FILE, options({ folder: join(folder, "plain", "sub") })))).code).toBe("download-failed");
  });
});

describe("downloadMnist", () => {
  it("asks for the four files by name and size", async () => {
    handler = (_, response) => response.writeHead(503).end();
    const error = await rejection(downloadMnist({ folder, mirrors: [base], attempts: 1 }));
    expect(error.message).toMatch(/^train-images-idx3-ubyte\.gz \(9912422 bytes\)[\s\S]*HTTP 503/);
    expect(MNIST_FILES.map((f) => f.sha256.length)).toEqual([64, 64, 64, 64]);
  });

  it("keeps its cache where DAMO_CACHE says", () => {
    const before = process.env.DAMO_CACHE;
    process.env.DAMO_CACHE = "/some/where";
    expect(cacheFolder()).toBe("/some/where");
    delete process.env.DAMO_CACHE;
    expect(cacheFolder()).toMatch(/\.cache.damo$/);
    if (before !== undefined) process.env.DAMO_CACHE = before;
  });
});
