/**
 * debugprint: a graph as an indented tree, one line per node, as theano.printing.debugprint writes it. Must not know devices.
 * graph/tree.ts prints; pydotprint.ts draws the same.
 */
import { appliesOf } from "../graph/function_graph.js";
import { leafText, printTree, type TreeOptions } from "../graph/tree.js";
import { type Printable, shownOf } from "./graph_of.js";

export type DebugprintOptions = TreeOptions;

/**
 * The graph as a tree: op, id, type, name, and for a compiled function the place in its order of evaluation. Of a compiled function the
 * rewritten graph, its updates last. Bodies of scans follow under "Inner graphs".
 */
export function debugprint(x: Printable, options: DebugprintOptions = {}): string {
  const { outputs, updates } = shownOf(x);
  const order = "graph" in x ? new Map(appliesOf(outputs).map((a, i) => [a, i])) : null;
  return printTree(outputs, options, order, new Map([...updates].map(([i, shared]) => [i, ` -> update of ${leafText(shared)}`])));
}
