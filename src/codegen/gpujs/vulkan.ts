/**
 * Whether a Vulkan driver is installed, looked up where the Vulkan loader of Linux looks: making an instance without one prints warnings
 * that no caller can silence. Must not know WebGPU. Used by node_webgpu.ts.
 */

/** Names in a folder; the path itself when it is a file; nothing when there is neither. */
export type Listing = (path: string) => Promise<readonly string[]>;

type Environment = Readonly<Record<string, string | undefined>>;

const split = (list: string | undefined): string[] => (list ?? "").split(":").filter((p) => p !== "");

/** Folders of driver manifests, in the loader's order. */
function folders(env: Environment): string[] {
  const home = env.HOME;
  const config = env.XDG_CONFIG_HOME ?? (home && `${home}/.config`);
  const data = env.XDG_DATA_HOME ?? (home && `${home}/.local/share`);
  const roots = [...split(config), ...split(env.XDG_CONFIG_DIRS ?? "/etc/xdg"), "/etc", ...split(data), ...split(env.XDG_DATA_DIRS), "/usr/local/share", "/usr/share"];
  return roots.map((root) => `${root}/vulkan/icd.d`);
}

/** True when a manifest exists: in what VK_DRIVER_FILES or VK_ICD_FILENAMES name (then nowhere else), else in the usual folders. */
export async function hasVulkanDriver(env: Environment, listing: Listing): Promise<boolean> {
  const named = env.VK_DRIVER_FILES ?? env.VK_ICD_FILENAMES;
  const places = named === undefined ? [...split(env.VK_ADD_DRIVER_FILES), ...folders(env)] : split(named);
  for (const place of places) if ((await listing(place)).some((name) => name.endsWith(".json"))) return true;
  return false;
}
