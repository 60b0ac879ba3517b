// Which functions may call themselves, by way of others of their file: as far as names tell. After R. E. Tarjan, "Depth-first search and linear graph algorithms" (1972).
import type { FunctionSite } from './survey.ts';

/** @returns names that lie in a circle of calls */
export function recursiveNames(functions: readonly FunctionSite[]): ReadonlySet<string> {
  const calls = new Map<string, Set<string>>();
  for (const { name, calls: called } of functions)
    if (name !== undefined) calls.set(name, new Set([...called, ...(calls.get(name) ?? [])]));
  const found = new Set<string>();
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();

  // Without recursion of its own: bundles have chains of thousands of calls.
  for (const root of calls.keys()) {
    if (index.has(root)) continue;
    const work = [visit(root)];
    for (let step = work.at(-1); step !== undefined; step = work.at(-1)) {
      const { done, value: next } = step.pending.next();
      if (done !== true) {
        if (!calls.has(next)) continue;
        if (!index.has(next)) work.push(visit(next));
        else if (onStack.has(next)) lower(step.name, index.get(next) as number);
        continue;
      }
      work.pop();
      close(step.name);
      const above = work.at(-1);
      if (above !== undefined) lower(above.name, low.get(step.name) as number);
    }
  }
  return found;

  function visit(name: string): { name: string; pending: IterableIterator<string> } {
    index.set(name, index.size);
    low.set(name, index.get(name) as number);
    stack.push(name);
    onStack.add(name);
    return { name, pending: (calls.get(name) as Set<string>).values() };
  }

  function lower(name: string, to: number): void {
    low.set(name, Math.min(low.get(name) as number, to));
  }

  function close(name: string): void {
    if (low.get(name) !== index.get(name)) return;
    const circle = stack.splice(stack.lastIndexOf(name));
    for (const each of circle) onStack.delete(each);
    if (circle.length > 1 || calls.get(name)?.has(name) === true) for (const each of circle) found.add(each);
  }
}
