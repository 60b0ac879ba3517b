/** The tree that is drawn: what holds what, where memory hangs, and the logical numbers (`L#`) that hwloc counts in this order. */
import type { CpuSet } from '../machine/cpu-set.ts';
import type { NumaNode, TopologyData } from './topology-data.ts';
import { cacheKind } from './topology-data.ts';
import type { TreeItem, TreeNode } from './tree.ts';
import { nest, RANK } from './tree.ts';

export interface DrawnMemory {
  readonly node: NumaNode;
  readonly logical: number;
  /** Of the first of its memory-side caches. */
  readonly cacheLogical: number;
}

export interface Drawn {
  readonly of: 'machine' | 'package' | 'cache' | 'core' | 'other';
  readonly kind: string;
  readonly os: number | null;
  /** In the array of its kind. */
  readonly index: number;
  readonly cpus: CpuSet;
  readonly logical: number;
  /** Memory attached here and below; `null` where nothing is known. */
  readonly totalBytes: number | null;
  readonly memory: readonly DrawnMemory[];
  readonly children: readonly Drawn[];
}

interface Item extends TreeItem {
  readonly of: Drawn['of'];
  readonly kind: string;
  readonly os: number | null;
  readonly index: number;
  /** Where it hangs if it holds no allowed CPU. */
  readonly package: number | null;
  /** Drawn only where nothing else has the same CPUs, as in hwloc. */
  readonly isGroup: boolean;
  /** Of a group that holds nothing but memory. */
  readonly nodes: readonly NumaNode[];
}

const GROUP_NAMES = { drawer: 'Group(Drawer)', book: 'Group(Book)', distance: 'Group' } as const;

export function drawingOf(data: TopologyData): Drawn {
  const cpus = data.pus.map((pu) => pu.os).toSorted((a, b) => a - b);
  const machine = item('machine', 'Machine', RANK.machine, { os: 0, index: 0, cpus });
  const items = itemsOf(data);
  const homes = new Homes(data.nodes);
  const empty = items.filter((own) => own.cpus.length === 0 && !own.isGroup);
  const known = new Set(items.filter(({ isGroup }) => !isGroup).map((own) => own.cpus.join()));
  const isNew = (own: Item): boolean => {
    const key = own.cpus.join();
    return own.cpus.length > 0 && !known.has(key) && known.add(key) !== undefined;
  };
  // The machine itself is no home, not even for the memory of all its CPUs, where a group below it has the same ones.
  const groups = [...items.filter(({ isGroup }) => isGroup), ...data.nodes.flatMap(groupFor)].filter(isNew);
  const real = items.filter(({ isGroup }) => !isGroup);
  // A group that is the whole machine says nothing, but that the memory beside it is outside.
  const hasFarMemory = data.nodes.some((node) => node.localCpus.length === 0 && node.package === null);
  const position = new Map(data.pus.map((pu, index) => [pu.os, index]));
  const tree = nest<Item>(
    machine,
    [
      ...real.filter((own) => own.cpus.length > 0),
      ...groups.filter((own) => own.cpus.length < cpus.length || hasFarMemory),
    ],
    (cpu) => position.get(cpu) ?? 0,
  );
  const deepest = groupDepth(tree);
  const count = counter();

  const finish = (node: TreeNode<Item>, groupsAbove: number): Drawn => {
    const own = node.item;
    const memory = own.nodes.length > 0 ? own.nodes : homes.take(node);
    const kind = own.isGroup && deepest > 1 ? own.kind.replace('Group', `Group${groupsAbove}`) : own.kind;
    const logical = count(kind);
    const inside = groupsAbove + (own.isGroup ? 1 : 0);
    const children = withEmpty(node, empty).map((child) => finish(child, inside));
    if (own.of === 'machine') children.push(...homes.left().map((each) => finish(memoryGroup(each), inside)));
    const drawnMemory = memory.map((each) => ({
      node: each,
      logical: count('NUMANode'),
      cacheLogical: count('MemCache', each.memorySideCaches.length),
    }));
    const totals = [
      ...memory.map(({ memoryBytes }) => memoryBytes),
      ...children.map(({ totalBytes }) => totalBytes),
    ];
    const { of, os, index } = own;
    return {
      of,
      kind,
      os,
      index,
      cpus: own.cpus,
      logical,
      totalBytes: sumKnown(totals),
      memory: drawnMemory,
      children,
    };
  };
  return finish(tree, 0);
}

function itemsOf(data: TopologyData): Item[] {
  const order = data.caches.toSorted((a, b) => (a.cpus[0] ?? 0) - (b.cpus[0] ?? 0) || a.index - b.index);
  return [
    ...data.packages.map((own) => item('package', 'Package', RANK.package, { ...own, package: null })),
    ...data.groups.map((own) => item('other', GROUP_NAMES[own.kind], RANK.group, own, true)),
    ...data.dies.map((own) => item('other', 'Die', RANK.die, own)),
    ...data.clusters.map((own) => item('other', 'Group(Cluster)', RANK.cluster, own, true)),
    ...order.map((own) =>
      item('cache', cacheKind(own), RANK.cache(own.level, own.type === 'instruction'), own),
    ),
    ...data.cores.map((own) => item('core', 'Core', RANK.core, own)),
    ...data.pus.map(({ os }, index) => item('other', 'PU', RANK.pu, { os, index, cpus: [os] })),
  ];
}

function item(
  of: Drawn['of'],
  kind: string,
  rank: number,
  own: Pick<Item, 'os' | 'index' | 'cpus'> & { readonly package?: number | null },
  isGroup = false,
): Item {
  const { os, index, cpus } = own;
  return { of, kind, rank, os, index, cpus, package: own.package ?? null, isGroup, nodes: [] };
}

/** A node whose CPUs are those of nothing else gets a group. */
function groupFor(node: NumaNode): Item[] {
  const own = { os: null, index: 0, cpus: node.localCpus, package: node.package };
  return node.localCpus.length === 0 ? [] : [item('other', 'Group', RANK.group, own, true)];
}

/** Memory that is near to nobody. */
function memoryGroup(node: NumaNode): TreeNode<Item> {
  const own = item('other', 'Group', RANK.group, { os: null, index: 0, cpus: [] }, true);
  return { item: { ...own, nodes: [node] }, children: [] };
}

/** Nodes that do not hang anywhere yet. */
class Homes {
  readonly #left: Set<NumaNode>;
  /** By lowest CPU and number of CPUs: machines may have thousands of nodes. */
  readonly #byCpus = new Map<string, NumaNode[]>();
  readonly #byPackage = new Map<number, NumaNode[]>();

  constructor(nodes: readonly NumaNode[]) {
    this.#left = new Set(nodes);
    for (const node of nodes) {
      if (node.localCpus.length > 0) push(this.#byCpus, homeKey(node.localCpus), node);
      else if (node.package !== null) push(this.#byPackage, node.package, node);
    }
  }

  /** Those that hang here, the ones with CPUs first. Asked from the outside in, so the outermost of those with the same CPUs has them. */
  take({ item: own, children }: TreeNode<Item>): NumaNode[] {
    const further = own.of === 'machine' && children.some((child) => same(own.cpus, child.item.cpus));
    const here = [
      ...(further ? [] : (this.#byCpus.get(homeKey(own.cpus)) ?? [])).filter((node) =>
        same(node.localCpus, own.cpus),
      ),
      ...(own.of === 'package' ? (this.#byPackage.get(own.index) ?? []) : []),
    ].filter((node) => this.#left.delete(node));
    return [...here.filter(({ memoryOnly }) => !memoryOnly), ...here.filter(({ memoryOnly }) => memoryOnly)];
  }

  left(): NumaNode[] {
    return [...this.#left];
  }
}

function homeKey(cpus: CpuSet): string {
  return `${cpus[0]}:${cpus.length}`;
}

function push<K>(map: Map<K, NumaNode[]>, key: K, node: NumaNode): void {
  const own = map.get(key);
  if (own === undefined) map.set(key, [node]);
  else own.push(node);
}

/** The children, and what holds memory but no allowed CPU: packages where their number puts them, anything else at the end. */
function withEmpty({ item: own, children }: TreeNode<Item>, empty: readonly Item[]): TreeNode<Item>[] {
  const all = [...children];
  if (own.of !== 'machine' && own.of !== 'package') return all;
  const home = own.of === 'machine' ? null : own.index;
  for (const other of empty) {
    if (other.package !== home || (own.of === 'package' && other.of === 'package')) continue;
    const next = other.of === 'package' ? all.findIndex((child) => firstPackage(child) > other.index) : -1;
    all.splice(next < 0 ? all.length : next, 0, { item: other, children: [] });
  }
  return all;
}

function firstPackage({ item: own, children }: TreeNode<Item>): number {
  return own.of === 'package' ? own.index : Math.min(...children.map(firstPackage));
}

function groupDepth({ item: own, children }: TreeNode<Item>): number {
  const below = children.reduce((deepest, child) => Math.max(deepest, groupDepth(child)), 0);
  return below + (own.isGroup ? 1 : 0);
}

function counter(): (kind: string, by?: number) => number {
  const next = new Map<string, number>();
  return (kind, by = 1) => {
    const name = kind.replace(/\(.*/, '');
    const value = next.get(name) ?? 0;
    next.set(name, value + by);
    return value;
  };
}

function sumKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}

function same(a: CpuSet, b: CpuSet): boolean {
  return a.length > 0 && a.length === b.length && a[0] === b[0] && a.every((cpu, index) => cpu === b[index]);
}
