/**
 * Iterative graph orders: no recursion proportional to graph size. Must not know what the nodes are.
 */

/** Nodes reachable from the roots, each after everything it depends on; `dependencies` gives the direct ones. Deterministic. */
export function toposort<T>(roots: readonly T[], dependencies: (node: T) => readonly T[]): T[] {
  const out: T[] = [];
  const state = new Map<T, "open" | "done">();
  const stack: { node: T; next: number; deps: readonly T[] }[] = [];
  const open = (node: T): void => {
    state.set(node, "open");
    stack.push({ node, next: 0, deps: dependencies(node) });
  };
  for (const root of roots) {
    if (!state.has(root)) open(root);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const dep = top.deps[top.next++];
      if (dep === undefined && top.next > top.deps.length) {
        state.set(top.node, "done");
        out.push(top.node);
        stack.pop();
      } else if (dep !== undefined && !state.has(dep)) open(dep);
    }
  }
  return out;
}
