/**
 * Sentences whose words have slots to fill, in the structure of the tutorial's atis.fold*.pkl: read from such a file, or questions about flights
 * made here. Must not know models. Next: rnnslu.ts.
 */
import { fail, loadPickle, NdArray, numpy as np, type PickleValue, type RandomState } from "../index.js";

/** For each sentence its words, the tables they are found in, and their labels, as indices. */
export type AtisSet = readonly [lex: readonly (readonly number[])[], ne: readonly (readonly number[])[], y: readonly (readonly number[])[]];

export interface Atis {
  readonly trainSet: AtisSet;
  readonly validSet: AtisSet;
  readonly testSet: AtisSet;
  readonly words2idx: ReadonlyMap<string, number>;
  readonly labels2idx: ReadonlyMap<string, number>;
  readonly tables2idx: ReadonlyMap<string, number>;
}

function refuse(file: string, what: string): never {
  fail("data", "atis-content", { what: `${file} does not hold the sentences of ATIS: ${what}.`, fix: "give one of the tutorial's atis.fold0.pkl.gz … atis.fold4.pkl.gz: (train, valid, test, dicts)" });
}

const list = (x: PickleValue | undefined, file: string, what: string): readonly PickleValue[] => (Array.isArray(x) ? (x as readonly PickleValue[]) : refuse(file, `${what} is no list`));

function indices(x: PickleValue, file: string): number[] {
  if (x instanceof NdArray) return [...x.data];
  return list(x, file, "a sentence").map((i) => (typeof i === "number" ? i : refuse(file, "a word is no number")));
}

function setOf(x: PickleValue | undefined, file: string): AtisSet {
  const parts = list(x, file, "a set").map((part) => list(part, file, "part of a set").map((sentence) => indices(sentence, file)));
  const [lex, ne, y] = parts;
  if (!lex || !ne || !y || parts.length !== 3) return refuse(file, "a set is not (words, tables, labels)");
  if (lex.length !== y.length || lex.some((words, i) => words.length !== y[i]?.length)) refuse(file, "there is not one label for each word");
  return [lex, ne, y];
}

function dictOf(dicts: PickleValue | undefined, name: string, file: string): ReadonlyMap<string, number> {
  const dict = dicts instanceof Map ? (dicts.get(name) as PickleValue | undefined) : undefined;
  return dict instanceof Map ? (dict as ReadonlyMap<string, number>) : refuse(file, `its dicts have no '${name}'`);
}

/** The data of a fold's file. Throws `atis-content` (DataError), and what `loadPickle` throws. */
export async function atisfold(file: string): Promise<Atis> {
  const [root] = await loadPickle(file);
  const [trainSet, validSet, testSet, dicts] = list(root, file, "it");
  return {
    trainSet: setOf(trainSet, file), validSet: setOf(validSet, file), testSet: setOf(testSet, file),
    words2idx: dictOf(dicts, "words2idx", file), labels2idx: dictOf(dicts, "labels2idx", file), tables2idx: dictOf(dicts, "tables2idx", file),
  };
}

/** What a slot can be filled with; where a word's meaning depends on what stands around it, the slot's name says how it is meant. */
const FILLERS: Readonly<Record<string, readonly string[]>> = {
  city: ["boston", "denver", "atlanta", "dallas", "oakland", "pittsburgh", "philadelphia", "baltimore", "san francisco", "new york", "salt lake city", "st. louis", "fort worth", "washington"],
  day: ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"],
  period: ["morning", "afternoon", "evening", "noon"],
  airline: ["delta", "united", "american airlines", "continental", "us air"],
  class: ["first class", "coach", "business class"],
  time: ["DIGIT pm", "DIGITDIGIT am", "DIGIT o'clock"],
};

/** `{slot:filler}` is filled and labelled B-slot, I-slot …; other words are outside. */
const TEMPLATES = [
  "show me flights from {fromloc.city_name:city} to {toloc.city_name:city}",
  "i want to fly from {fromloc.city_name:city} to {toloc.city_name:city} on {depart_date.day_name:day} {depart_time.period_of_day:period}",
  "what flights leave {fromloc.city_name:city} and arrive in {toloc.city_name:city} before {arrive_time.time:time}",
  "list {airline_name:airline} flights to {toloc.city_name:city} from {fromloc.city_name:city} with a stop in {stoploc.city_name:city}",
  "is there a {class_type:class} flight from {fromloc.city_name:city} to {toloc.city_name:city} after {depart_time.time:time}",
  "which {airline_name:airline} flights arrive in {toloc.city_name:city} on {arrive_date.day_name:day}",
  "how much is a {class_type:class} ticket to {toloc.city_name:city}",
  "ground transportation in {city_name:city}",
  "flights to {toloc.city_name:city} leaving {fromloc.city_name:city} {depart_date.day_name:day} at {depart_time.time:time} please",
];

interface Word {
  readonly word: string;
  readonly table: string;
  readonly label: string;
}

const pick = (rng: RandomState, from: readonly string[]): string => from[rng.randint(from.length)] as string;

function drawSentence(rng: RandomState): Word[] {
  return pick(rng, TEMPLATES).split(" ").flatMap((part): Word[] => {
    const slot = /^\{(.*):(.*)\}$/.exec(part);
    if (!slot) return [{ word: part, table: "O", label: "O" }];
    const [, name = "", table = ""] = slot;
    return pick(rng, FILLERS[table] as readonly string[]).split(" ").map((word, i) => ({ word, table, label: `${i === 0 ? "B" : "I"}-${name}` }));
  });
}

const indexOf = (names: Iterable<string>): Map<string, number> => new Map([...new Set(names)].sort().map((name, i) => [name, i]));

export interface FlightOptions {
  readonly seed?: number | undefined;
  readonly sizes?: { readonly train?: number; readonly valid?: number; readonly test?: number } | undefined;
}

/** Questions about flights, drawn from a few templates, in ATIS's structure. Throws `flights-size` (ValueError). */
export function makeFlights({ seed = 1234, sizes = {} }: FlightOptions = {}): Atis {
  const rng = new np.random.RandomState(seed);
  const draw = (n: number): Word[][] => {
    if (!Number.isInteger(n) || n < 1) fail("value", "flights-size", { what: `A set cannot have ${n} sentences.`, fix: "pass whole numbers of at least 1 as sizes" });
    return Array.from({ length: n }, () => drawSentence(rng));
  };
  const sets = [draw(sizes.train ?? 300), draw(sizes.valid ?? 60), draw(sizes.test ?? 60)];
  const words = sets.flat(2);
  const words2idx = indexOf(words.map((w) => w.word));
  const labels2idx = indexOf(words.map((w) => w.label));
  const tables2idx = indexOf(words.map((w) => w.table));
  const numbered = (dict: ReadonlyMap<string, number>, key: keyof Word, set: readonly (readonly Word[])[]): number[][] => set.map((sentence) => sentence.map((w) => dict.get(w[key]) as number));
  const [trainSet, validSet, testSet] = sets.map((set): AtisSet => [numbered(words2idx, "word", set), numbered(tables2idx, "table", set), numbered(labels2idx, "label", set)]) as [AtisSet, AtisSet, AtisSet];
  return { trainSet, validSet, testSet, words2idx, labels2idx, tables2idx };
}
