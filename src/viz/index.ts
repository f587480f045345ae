/** The printers of graphs, Theano's: pp, debugprint, pydotprint. All give text. A rewriting's steps print themselves: `f.history`. */
export { debugprint, type DebugprintOptions } from "./debugprint.js";
export type { Compiled, Printable } from "./graph_of.js";
export { pp } from "./pp.js";
export { pydotprint, type PydotprintOptions } from "./pydotprint.js";
