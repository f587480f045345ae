/**
 * The devices of the parity suite, opened through the registry as users open them. One that cannot be had is skipped, with its reason and the
 * number of tests skipped printed. DAMO_PARITY=n multiplies the number of generated graphs.
 */
import { afterAll, test } from "vitest";
import { closeDevices } from "damo";
import { backendFactory } from "../../src/codegen/backend.js";

export interface Suite {
  readonly name: string;
  /** Why it cannot be had here; null where it can. */
  readonly reason: string | null;
  /** A GPU emulated by the CPU compiles slowly: it gets a part of the generated tests. */
  readonly share: number;
}

const SHARES: Readonly<Record<string, number>> = { reference: 1, wasm: 1, "gpu:cpu": 1, "gpu:webasm": 1, "gpu:headlessgl": 0.15, "gpu:webgpu": 0.1 };

async function open(name: string): Promise<Suite> {
  const answer = await backendFactory(name).probe();
  return { name, share: SHARES[name] ?? 1, reason: answer.available ? null : answer.reason };
}

export const suites: readonly Suite[] = await Promise.all(Object.keys(SHARES).map(open));

/** Runs a test on every device; prints what is skipped. */
export function onEachDevice(what: string, run: (device: Suite) => Promise<void>, options: { readonly timeout?: number; readonly only?: (s: Suite) => boolean } = {}): void {
  for (const suite of suites.filter(options.only ?? (() => true))) {
    const name = `${suite.name}: ${what}`;
    if (suite.reason === null) test(name, { timeout: options.timeout ?? 120_000 }, () => run(suite));
    else {
      skipped.set(suite.name, (skipped.get(suite.name) ?? 0) + 1);
      test.skip(`${name} (skipped: ${suite.reason})`, () => undefined);
    }
  }
}

const skipped = new Map<string, number>();

/** Put at the end of each file: says what was skipped, and gives the devices back. */
export function finish(): void {
  afterAll(async () => {
    for (const { name, reason } of suites) {
      const n = skipped.get(name);
      if (n !== undefined) console.warn(`skipped ${n} parity tests of ${name}: ${reason}`);
    }
    await closeDevices();
  });
}

/** How many generated cases a device gets of `n`. */
export const casesFor = (suite: Suite, n: number): number => Math.max(5, Math.round(n * suite.share * Number(process.env.DAMO_PARITY ?? 1)));
