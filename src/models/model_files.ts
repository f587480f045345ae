/**
 * Parameters of a model in one .npz file (the article pickles whole objects), with a note that says which model it is and of what sizes.
 * Must not know the models; each names its parameters.
 */
import { fail, loadArrays, type NdArray, saveArrays, type SharedVariable } from "../index.js";

/** Sizes and kinds, as JSON. */
export type ModelNote = Readonly<Record<string, string | number | readonly number[]>>;
export type NamedParams = Readonly<Record<string, SharedVariable>>;

/** Writes the current values; an interrupted save leaves the old file. */
export async function saveModel(path: string, model: string, params: NamedParams, note: ModelNote): Promise<void> {
  const arrays: Record<string, NdArray> = {};
  for (const [name, param] of Object.entries(params)) arrays[name] = await param.getValue();
  await saveArrays(path, arrays, { model, ...note });
}

export interface SavedModel {
  readonly model: string;
  readonly arrays: Readonly<Record<string, NdArray>>;
  /** A size that the file must tell. Throws `model-note` (DataError). */
  readonly size: (name: string) => number;
  /** A list of sizes. Throws `model-note`. */
  readonly sizes: (name: string) => readonly number[];
}

/** Reads a file of `saveModel`. Throws `model-kind` (DataError) when it holds another model, `model-note`, and what `loadArrays` throws. */
export async function loadModel(path: string, model?: string): Promise<SavedModel> {
  const { arrays, meta } = await loadArrays(path);
  const kind = typeof meta.model === "string" ? meta.model : "no model of damo";
  if (typeof meta.model !== "string" || (model !== undefined && kind !== model)) {
    fail("data", "model-kind", { what: `${path} does not hold the model that was asked for.`, saw: [`asked for: ${model ?? "any model of damo"}`, `found: ${kind}`], fix: "give a file that this model's program saved" });
  }
  const note = (name: string): never => fail("data", "model-note", { what: `${path} does not tell '${name}'.`, fix: "save the model again with this version" });
  return {
    model: kind,
    arrays,
    size: (name) => (typeof meta[name] === "number" ? meta[name] : note(name)),
    sizes: (name) => {
      const list = meta[name];
      return Array.isArray(list) && list.every((n) => typeof n === "number") ? (list as readonly number[]) : note(name);
    },
  };
}

/** Gives parameters the values of a file, in the dtype they have. Throws `model-param` (DataError) for a missing array or another shape. */
export function restoreParams(path: string, { arrays }: SavedModel, params: NamedParams): void {
  for (const [name, param] of Object.entries(params)) {
    const value = arrays[name];
    if (value === undefined || value.shape.join() !== param.valueShape.join()) {
      fail("data", "model-param", { what: `${path} has no '${name}' of the model's shape.`, saw: [`file: ${value ?? "nothing"}`, `model: (${param.valueShape.join(", ")})`], fix: "give the file of a model of the same sizes" });
    }
    param.setValue(value.astype(param.dtype));
  }
}
