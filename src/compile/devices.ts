/**
 * Device names and options -> backends, made once per process. `auto` is a GPU where gpu.js finds a real one, else the fastest CPU device registered.
 * Must not know any concrete backend.
 */
import { type Backend, backendFactory, backendNames, type DeviceOptions } from "../codegen/backend.js";
import { fail } from "../util/fail.js";
import { bringHome } from "./storage.js";

/** One call at a time: calls that are not awaited still see each other's updates in order. */
export class Turn {
  #last: Promise<unknown> = Promise.resolve();
  #unfinished = 0;

  /** Whether work would start at once. */
  get isFree(): boolean {
    return this.#unfinished === 0;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    const free = this.#unfinished++ === 0;
    const mine = free ? work() : this.#last.then(work);
    this.#last = mine.then(this.#finished, this.#finished);
    return mine;
  }

  readonly #finished = (): void => {
    this.#unfinished--;
  };
}

/** A device, and why it was chosen (for explain()). */
export interface Device { readonly backend: Backend; readonly reason: string }

/** Tried in this order for `auto` after a real GPU. */
const CPU_ORDER = ["wasm", "gpu:webasm", "reference"];

/** One for all devices: shared values are read and updated on any of them. */
export const turn = new Turn();

/** A device that is being opened, or, with `now`, that is open. */
interface Opening { readonly later: Promise<Device>; now: Device | null }

/** One backend per name and options: functions with other options have another backend, and shared values go from one to the other as between devices. */
const open = new Map<string, Opening>();

/** What `openDevice` finds a device by. */
export const deviceKey = (name: string, options: DeviceOptions): string => [name, ...said(options).map(([option, value]) => `${option}=${value}`).sort()].join(", ");

/** The options that are said. */
const said = (options: DeviceOptions): (readonly [keyof DeviceOptions, unknown])[] => (Object.entries(options) as [keyof DeviceOptions, unknown][]).filter(([, value]) => value !== undefined);

/** The device if it is open. */
export const openDevice = (key: string): Device | null => open.get(key)?.now ?? null;

/** The backend of a device name; probes on first use. Throws `device-unavailable` with the reason where it cannot be had. */
export function device(name: string, options: DeviceOptions = {}): Promise<Device> {
  const key = deviceKey(name, options);
  const known = open.get(key);
  if (known) return known.later;
  const made: Opening = { later: name === "auto" ? automatic(options) : named(name, options), now: null };
  open.set(key, made);
  const forget = (): void => {
    if (open.get(key) === made) open.delete(key);
  };
  made.later.then((found) => { made.now = found; }, forget);
  return made.later;
}

async function named(name: string, options: DeviceOptions): Promise<Device> {
  const factory = backendFactory(name);
  const taken: DeviceOptions = Object.fromEntries(said(options).filter(([option]) => factory.takes?.includes(option)));
  if (deviceKey(name, taken) !== deviceKey(name, options)) return device(name, taken);
  const found = await factory.probe();
  if (!found.available) fail("unsupported", "device-unavailable", { what: `The device '${name}' cannot be had here: ${found.reason}.`, fix: "choose another device, or 'auto'" });
  return { backend: await factory.create(taken), reason: `device '${name}' was asked for` };
}

async function automatic(options: DeviceOptions): Promise<Device> {
  const reasons: string[] = [];
  for (const name of backendNames().filter((n) => backendFactory(n).realGpu !== undefined)) {
    const real = await backendFactory(name).realGpu?.();
    if (real?.available) return { ...(await device(name, options)), reason: `auto: ${name} has a GPU` };
    reasons.push(`${name}: ${real?.reason ?? "not probed"}`);
  }
  for (const name of CPU_ORDER.filter((n) => backendNames().includes(n))) {
    const found = await backendFactory(name).probe();
    if (found.available) return { ...(await device(name, options)), reason: `auto: no GPU (${reasons.join("; ") || "none registered"}), so ${name}` };
    reasons.push(`${name}: ${found.reason}`);
  }
  return fail("unsupported", "no-device", { what: `No device can be had here: ${reasons.join("; ")}.`, fix: "install the packages of one device, or use device 'reference'" });
}

/** Disposes of every open device after the calls made before. Shared values that only a device has are read back; the next use opens it anew. */
export function closeDevices(): Promise<void> {
  return turn.run(async () => {
    const all = await Promise.allSettled([...open.values()].map((o) => o.later));
    open.clear();
    const backends = new Set(all.flatMap((d) => (d.status === "fulfilled" ? [d.value.backend] : [])));
    try {
      await bringHome(backends);
    } finally {
      for (const backend of backends) await backend.dispose();
    }
  });
}
