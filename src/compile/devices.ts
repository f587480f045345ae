/**
 * Device names -> backends, made once per process. `auto` is a GPU where gpu.js finds a real one, else the fastest CPU device registered.
 * Must not know any concrete backend.
 */
import { type Backend, backendFactory, backendNames } from "../codegen/backend.js";
import { fail } from "../util/fail.js";
import { bringHome } from "./storage.js";

/** One call at a time: calls that are not awaited still see each other's updates in order. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** A device, and why it was chosen (for explain()). */
export interface Device { readonly backend: Backend; readonly reason: string }

/** Tried in this order for `auto` after a real GPU. */
const CPU_ORDER = ["wasm", "gpu:webasm", "reference"];

/** One for all devices: shared values are read and updated on any of them. */
export const turn = new Turn();

const open = new Map<string, Promise<Device>>();

/** The backend of a device name; probes on first use. Throws `device-unavailable` with the reason where it cannot be had. */
export function device(name: string): Promise<Device> {
  const known = open.get(name);
  if (known) return known;
  const made = name === "auto" ? automatic() : named(name);
  open.set(name, made);
  made.catch(() => open.delete(name));
  return made;
}

async function named(name: string): Promise<Device> {
  const factory = backendFactory(name);
  const found = await factory.probe();
  if (!found.available) fail("unsupported", "device-unavailable", { what: `The device '${name}' cannot be had here: ${found.reason}.`, fix: "choose another device, or 'auto'" });
  return { backend: await factory.create(), reason: `device '${name}' was asked for` };
}

async function automatic(): Promise<Device> {
  const reasons: string[] = [];
  for (const name of backendNames().filter((n) => backendFactory(n).realGpu !== undefined)) {
    const real = await backendFactory(name).realGpu?.();
    if (real?.available) return { ...(await device(name)), reason: `auto: ${name} has a GPU` };
    reasons.push(`${name}: ${real?.reason ?? "not probed"}`);
  }
  for (const name of CPU_ORDER.filter((n) => backendNames().includes(n))) {
    const found = await backendFactory(name).probe();
    if (found.available) return { ...(await device(name)), reason: `auto: no GPU (${reasons.join("; ") || "none registered"}), so ${name}` };
    reasons.push(`${name}: ${found.reason}`);
  }
  return fail("unsupported", "no-device", { what: `No device can be had here: ${reasons.join("; ")}.`, fix: "install the packages of one device, or use device 'reference'" });
}

/** Disposes of every open device after the calls made before. Shared values that only a device has are read back; the next use opens it anew. */
export function closeDevices(): Promise<void> {
  return turn.run(async () => {
    const all = await Promise.allSettled(open.values());
    open.clear();
    const backends = new Set(all.flatMap((d) => (d.status === "fulfilled" ? [d.value.backend] : [])));
    try {
      await bringHome(backends);
    } finally {
      for (const backend of backends) await backend.dispose();
    }
  });
}
