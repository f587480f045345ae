/**
 * The state of every name of the census, and the page that shows it. Pure functions of texts: what runs them reads the files and writes the page.
 */

/** A name that the tutorials use, in how many of them, and in which for one. */
export interface Name { readonly section: string; readonly name: string; readonly files: number; readonly repositories: number; readonly example: string }
/** How it is written here, why a port writes nothing in its place, why it is left out, or that it is missing. */
export type State = { readonly kind: "there"; readonly code: string } | { readonly kind: "nothing" | "out"; readonly why: string } | { readonly kind: "missing" };

type Reasons = Readonly<Record<string, string>>;

export interface Sources {
  readonly census: string;
  /** Texts of the files of ports. */
  readonly ports: readonly string[];
  readonly nothingToWrite: Reasons;
  readonly outOfScope: Reasons;
}

/** Tutorial files that use at least one name of Theano. */
const TUTORIAL_FILES = 208;

const SECTIONS: Readonly<Record<string, string>> = {
  "1.1": "Compile, function, modes", "1.2": "Shared variables and config", "1.3": "Typed symbolic constructors", "1.4": "Gradient", "1.5": "Loops and conditionals",
  "1.6": "nnet, convolution, pooling", "1.7": "Random streams", "1.8": "Reductions, arg, sort", "1.9": "Linear algebra", "1.10": "Shape, creation, indexing functions",
  "1.11": "Elementwise math and comparison", "1.12": "Printing, debugging, visualisation", "1.13": "Op extension, sparse, typed lists, GPU back end",
  "1.14": "Keyword arguments of the core entry points", "1.15": "Call forms", "1.16": "Variable methods and their keyword arguments", "1.17": "dimshuffle patterns",
  "1.18": "Variable attributes", "1.19": "Indexing forms (c a literal, i a name, sym symbolic)", "1.20": "Operators", "1.21": "Random-stream methods",
};

export function readCensus(text: string): Name[] {
  return text.trimEnd().split("\n").map((line) => {
    const [section = "", name = "", files, repositories, example = ""] = line.split("\t");
    return { section, name, files: Number(files), repositories: Number(repositories), example };
  });
}

/** Names and code of a file of ports: one entry a line. */
export function readPorts(text: string): Map<string, string> {
  const entries = [...text.matchAll(/^ {2}("(?:[^"\\]|\\.)+"): \(\) => (.+),$/gm)];
  return new Map(entries.map(([, name, code]) => [JSON.parse(name as string) as string, code as string]));
}

export function stateOf(name: string, ports: ReadonlyMap<string, string>, nothingToWrite: Reasons, outOfScope: Reasons): State {
  const code = ports.get(name);
  if (code !== undefined) return { kind: "there", code };
  const [nothing, out] = [nothingToWrite[name], outOfScope[name]];
  return nothing !== undefined ? { kind: "nothing", why: nothing } : out !== undefined ? { kind: "out", why: out } : { kind: "missing" };
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
const SHOWN = { nothing: "nothing to write", out: "out of scope" } as const;
const shown = (s: State): string => (s.kind === "there" ? `\`${cell(s.code)}\`` : s.kind === "missing" ? "**missing**" : `${SHOWN[s.kind]}: ${cell(s.why)}`);

interface Counted { readonly names: number; readonly there: number; readonly nothing: number; readonly out: number; readonly missing: number }

function counted(states: readonly State[]): Counted {
  const of = (kind: State["kind"]): number => states.filter((s) => s.kind === kind).length;
  return { names: states.length, there: of("there"), nothing: of("nothing"), out: of("out"), missing: of("missing") };
}

/**
 * How many files use none of some names. The census names one file for each name and says how many there are: the files it names are sure, and the
 * others may be among them or not, so that bounds follow.
 */
export function coveredFiles(uncovered: readonly Name[]): { readonly least: number; readonly most: number } {
  const sure = new Set(uncovered.map((n) => n.example)).size;
  const others = uncovered.reduce((sum, n) => sum + n.files - 1, 0);
  return { least: Math.max(0, TUTORIAL_FILES - sure - others), most: TUTORIAL_FILES - Math.max(sure, ...uncovered.map((n) => n.files)) };
}

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

function summary(names: readonly Name[], stateFor: (n: Name) => State): string[] {
  const used = names.filter((n) => n.files > 0);
  const total = counted(used.map(stateFor));
  const inScope = used.filter((n) => stateFor(n).kind !== "out");
  const open = used.filter((n) => ["out", "missing"].includes(stateFor(n).kind));
  const files = coveredFiles(open);
  const scoped = coveredFiles(used.filter((n) => stateFor(n).kind === "missing"));
  const rows = Object.entries(SECTIONS).map(([section, title]) => {
    const c = counted(used.filter((n) => n.section === section).map(stateFor));
    return `| ${section} ${title} | ${c.names} | ${c.there} | ${c.nothing} | ${c.out} | ${c.missing} |`;
  });
  return [
    `Of ${total.names} names and forms that tutorials use, ${total.there} are there, ${total.nothing} need nothing in their place, ${total.out} are out of scope and ${total.missing} are missing: ${percent(total.there + total.nothing, inScope.length)} of those in scope.`,
    "",
    `**Tutorial files.** ${TUTORIAL_FILES} files use Theano. A file is covered when each of its names is there or needs nothing. The census says how many files use a name and names one of them, so that bounds follow:`,
    `fully covered are **${files.least} to ${files.most}** of ${TUTORIAL_FILES} files; of what is in scope, **${scoped.least} to ${scoped.most}** lack nothing. Files that are known to use what is out of scope or missing: ${[...new Set(open.map((n) => `\`${n.example}\``))].sort().join(", ")}.`,
    "",
    "| section | names used | there | nothing to write | out of scope | missing |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows,
    `| all | ${total.names} | ${total.there} | ${total.nothing} | ${total.out} | ${total.missing} |`,
  ];
}

function table(names: readonly Name[], stateFor: (n: Name) => State): string[] {
  return ["| Theano | files | damo |", "| --- | --- | --- |", ...names.map((n) => `| \`${cell(n.name)}\` | ${n.files} | ${shown(stateFor(n))} |`)];
}

/** The whole page. */
export function coveragePage({ census, ports, nothingToWrite, outOfScope }: Sources): string {
  const known = new Map(ports.flatMap((text) => [...readPorts(text)]));
  const names = readCensus(census);
  const stateFor = (n: Name): State => stateOf(n.name, known, nothingToWrite, outOfScope);
  const counts = new Set(names.map((n) => n.name));
  const beyond = [...known].filter(([name]) => !counts.has(name));
  const sections = Object.entries(SECTIONS).flatMap(([section, title]) => ["", `## ${section} ${title}`, "", ...table(names.filter((n) => n.section === section), stateFor)]);
  return [
    "# Coverage: the names that Theano's tutorials use",
    "",
    "Written by `npm run coverage` from `scripts/coverage`: the census of names (214 tutorial files of 15 public repositories), and for each name the code that does the same here.",
    "That code is type-checked, and a test runs every line of it. `files` says how many tutorial files use a name; 0 means that it is documented and no tutorial uses it.",
    "",
    ...summary(names, stateFor),
    ...sections,
    "",
    "## Beyond the census",
    "",
    "| Theano | damo |",
    "| --- | --- |",
    ...beyond.map(([name, code]) => `| \`${cell(name)}\` | \`${cell(code)}\` |`),
    "",
  ].join("\n");
}
