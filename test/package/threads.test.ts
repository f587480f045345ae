/** The threads of the wasm device in a plain process: they work, and the process ends though nobody closes the device. */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a program of plain JavaScript; it is killed, and the test fails, where it does not end. */
async function output(program: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { cwd: ROOT, timeout: 20_000 });
  return JSON.parse(stdout);
}

/** Half a million numbers, halved and added to a thousand times over: enough that the call waits for the workers. */
const WORK = `
  import { compile, numpy, scan, shared, T } from "damo";
  const x = shared(numpy.ones([500000], { dtype: "float32" }));
  const [steps] = scan({ fn: (s) => s.mul(0.5).add(x), outputsInfo: [T.zerosLike(x)], nSteps: 1000 });
  const f = compile([], steps.get(-1), { device: "wasm", threads: 2 });
`;

test.each([["working", ""], ["asleep", "await new Promise((r) => setTimeout(r, 200));"]])("a process ends by itself while its workers are %s", async (_, wait) => {
  const seen = await output(`${WORK} const y = await f(); ${wait} console.log(JSON.stringify([y.data[0], f.explain().report[0]]));`);
  expect(seen).toEqual([2, "1 of 1 calls on 2 threads"]);
});
