/** Nests groups of CPUs by what they share: the tree that `toText` draws. */
import type { CpuSet } from '../machine/cpu-set.ts';
import { holds } from './hierarchy.ts';

export interface TreeItem {
  readonly cpus: CpuSet;
  /** Of two groups with the same CPUs, the one with the lower rank is outside. */
  readonly rank: number;
}

export interface TreeNode<T extends TreeItem> {
  readonly item: T;
  readonly children: TreeNode<T>[];
}

/** Order of levels from the outside in, as hwloc draws them; caches lie between by level, data outside instructions. */
export const RANK = {
  machine: 0,
  package: 1,
  die: 2,
  group: 3,
  cache: (level: number, instruction: boolean): number => 10 + (10 - level) * 2 + (instruction ? 1 : 0),
  /** Between the L3 and the L2. */
  cluster: 25,
  core: 40,
  pu: 50,
} as const;

/**
 * Builds the tree below `root`, which holds every CPU. Groups that overlap without nesting (files that contradict each other)
 * hang below the nearest group that holds them whole; every CPU still appears once. What is side by side is in the order of
 * `position`: that of the whole machine, which what the process may use of it need not have.
 */
export function nest<T extends TreeItem>(
  root: T,
  items: readonly T[],
  position: (cpu: number) => number,
): TreeNode<T> {
  interface Placed {
    readonly node: TreeNode<T>;
    readonly parent: Placed | undefined;
  }
  const top: Placed = { node: { item: root, children: [] }, parent: undefined };
  const innermost = new Map<number, Placed>(root.cpus.map((cpu) => [cpu, top]));
  const outsideIn = items.toSorted((a, b) => b.cpus.length - a.cpus.length || a.rank - b.rank);
  for (const item of outsideIn) {
    let parent = innermost.get(item.cpus[0] ?? -1) ?? top;
    while (parent.parent !== undefined && item.cpus.length > 0 && !holds(parent.node.item.cpus, item.cpus))
      parent = parent.parent;
    const placed: Placed = { node: { item, children: [] }, parent };
    parent.node.children.push(placed.node);
    for (const cpu of item.cpus) innermost.set(cpu, placed);
  }
  sort(top.node, position);
  return top.node;
}

function sort<T extends TreeItem>(node: TreeNode<T>, position: (cpu: number) => number): void {
  const first = new Map(node.children.map((child) => [child, Math.min(...child.item.cpus.map(position))]));
  node.children.sort((a, b) => (first.get(a) ?? 0) - (first.get(b) ?? 0));
  for (const child of node.children) sort(child, position);
}
