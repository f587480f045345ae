/**
 * Once, in a process of its own, as a program meets it: the article's RBM (PCD-15) from compile() to the first result. Writes JSON: milliseconds of the
 * whole, of damo's phases (`explain().times`), of the engine, and with PROFILE set, of the functions in STAGES. Next: run.mjs repeats it.
 */
import inspector from "node:inspector/promises";

/** A stage takes what its function calls, but for what belongs to a later stage on the way in. */
const STAGES = [
  { name: "prepare: givens, inputs, updates", at: /compile\/prepare\.js/, function: /^prepare$/ },
  { name: "copy the graph", at: /compile\/program\.js|rewrite\/.*\.js|graph\/edit\.js/, function: /^fillGraph$/ },
  { name: "rewrite: rules", at: /rewrite\/engine\.js/, function: /^rewriteGraph$/ },
  { name: "rewrite: merge equal nodes", at: /rewrite\/merge\.js/, function: /^mergeEqual$/ },
  { name: "rewrite: fold constants", at: /rewrite\/fold\.js/, function: /^foldConstants$/ },
  { name: "expand compositions", at: /compile\/expand\.js/, function: /^expandCompositions$/ },
  { name: "specialise: shapes", at: /compile\/scope\.js/, function: /^infer$/ },
  { name: "specialise: fusion, plan", at: /compile\/specialise\.js/, function: /^specialise$/ },
  { name: "specialise: print the plan", at: /codegen\/ir\/plan\.js/, function: /^finishPlan$/ },
  { name: "module text", at: /codegen\/wasm\/module\.js/, function: /^writeModule$/ },
  { name: "assemble", at: /watr/, function: /^compile$/ },
];

/** Time in the engine's own functions, which a profile of JavaScript does not see where they run beside it. */
function timeEngine(spent) {
  for (const name of ["compile", "instantiate"]) {
    const original = WebAssembly[name];
    WebAssembly[name] = async (...args) => {
      const start = performance.now();
      try {
        return await original.apply(WebAssembly, args);
      } finally {
        spent[`WebAssembly.${name}`] = (spent[`WebAssembly.${name}`] ?? 0) + performance.now() - start;
      }
    };
  }
}

/** Milliseconds by stage of a V8 profile. */
function byStage({ nodes, samples, timeDeltas }) {
  const parents = new Map(nodes.flatMap((n) => (n.children ?? []).map((c) => [c, n.id])));
  const byId = new Map(nodes.map((n) => [n.id, n]));
  const stageOf = ({ callFrame: { functionName, url } }) => STAGES.find((s) => s.function.test(functionName) && s.at.test(url))?.name;
  const memo = new Map();
  /** The stage, or the folder of the outermost function. */
  const find = (id) => {
    if (!memo.has(id)) {
      const { callFrame } = byId.get(id);
      const above = parents.has(id) ? find(parents.get(id)) : null;
      const folder = /dist\/src\/(\w+(\/wasm)?)/.exec(callFrame.url)?.[1];
      const system = callFrame.functionName === "(garbage collector)" ? "garbage collection" : undefined;
      memo.set(id, system ?? stageOf(byId.get(id)) ?? above ?? (folder ? `other of ${folder}/` : null));
    }
    return memo.get(id);
  };
  const spent = {};
  samples.forEach((id, i) => {
    if (byId.get(id).callFrame.functionName === "(idle)") return;
    const stage = find(id) ?? "Node: loading modules, the engine";
    spent[stage] = (spent[stage] ?? 0) + timeDeltas[i] / 1000;
  });
  return spent;
}

const engine = {};
timeEngine(engine);
const loading = performance.now();
const { compile, config, MRGRandomStreams, numpy: np, RandomStreams, shared, T } = await import("damo");
const { minibatch, RBM } = await import("damo/models");
const loaded = performance.now();
const [device, streams] = process.argv.slice(2);
config.device = device;
const [x, index] = [T.matrix("x"), T.lscalar("index")];
const theanoRng = new (streams === "numpy" ? RandomStreams : MRGRandomStreams)(123);
const rbm = new RBM({ input: x, nVisible: 784, nHidden: 500, theanoRng });
const images = shared(np.zeros([1000, 784], { dtype: "float32" }));
const [cost, updates] = rbm.getCostUpdates({ lr: 0.1, persistent: shared(np.zeros([20, 500], { dtype: "float32" })), k: 15 });
const built = performance.now();

const session = process.env.PROFILE ? new inspector.Session() : null;
if (session) {
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
}
const processor = process.cpuUsage();
const start = performance.now();
const train = compile([index], cost, { updates, givens: [[x, minibatch(images, index, 20)]], name: "train_rbm" });
const compiled = performance.now();
await train(0);
const first = performance.now();
const { user, system } = process.cpuUsage(processor);
const stages = session ? byStage((await session.post("Profiler.stop")).profile) : null;
const { times, description } = train.explain();
console.log(JSON.stringify({ device: description, load: loaded - loading, build: built - loaded, compile: compiled - start, firstCall: first - compiled, whole: first - start, processor: (user + system) / 1000, times, engine, stages }));
process.exit(0);
