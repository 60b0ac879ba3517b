/** Draws a machine as hwloc's `lstopo` does in text. */
import { formatCpuList } from './cpu-set.ts';
import type { Cache, NumaNode, TopologyData } from './topology-data.ts';
import { cacheKind } from './topology-data.ts';
import type { TreeItem, TreeNode } from './tree.ts';
import { nest, RANK } from './tree.ts';

const GROUP_NAMES = { drawer: '(Drawer)', book: '(Book)', distance: '' } as const;

interface Drawn extends TreeItem {
  readonly label: string;
  /** Its place below a package, for what holds no allowed CPU. */
  readonly package: number | null;
}

export function drawTopology(data: TopologyData): string {
  const packages = data.packages.map((item) => ({
    cpus: item.cpus,
    rank: RANK.package,
    label: `Package L#${item.index} (${facts(os(item.os), quoted(item.model))})`,
    package: null,
  }));
  const others: Drawn[] = [
    ...data.groups.map(({ kind: own, os: number, cpus }) =>
      drawn({ cpus, package: null }, RANK.group, `Group${GROUP_NAMES[own]} (${facts(os(number))})`),
    ),
    ...data.dies.map((item) => drawn(item, RANK.die, `Die L#${item.index} (${facts(os(item.os))})`)),
    ...data.clusters.map((item) =>
      drawn(item, RANK.cluster, `Cluster L#${item.index} (${facts(os(item.os))})`),
    ),
    ...data.caches.map((item) =>
      drawn(item, RANK.cache(item.level, item.type === 'instruction'), cacheLabel(data, item)),
    ),
    ...data.cores.map((item) =>
      drawn(item, RANK.core, `Core L#${item.index} (${facts(os(item.os), kind(data, item.cpus))})`),
    ),
    ...data.pus.map((item, index) =>
      drawn({ cpus: [item.os], package: null }, RANK.pu, `PU L#${index} (P#${item.os})`),
    ),
  ];
  const cpus = data.pus.map((pu) => pu.os).toSorted((a, b) => a - b);
  const machine: Drawn = {
    cpus,
    rank: RANK.machine,
    label: `Machine (${facts(quoted(data.model), bytes('total', data.memoryBytes))})`,
    package: null,
  };
  const everything: readonly Drawn[] = [...packages, ...others];
  const withCpus = everything.filter((item) => item.cpus.length > 0);
  const root = nest<Drawn>(machine, [...withCpus, ...groupsForNodes(data.nodes, [machine, ...withCpus])]);
  const empty: Drawn[] = everything.filter((item) => item.cpus.length === 0);
  const lines: string[] = [];
  draw(root, 0, { data, drawnNodes: new Set(), empty, lines, packages });
  return [...lines, ...footer(data)].join('\n');
}

interface Drawing {
  readonly data: TopologyData;
  readonly drawnNodes: Set<number>;
  readonly empty: readonly Drawn[];
  readonly packages: readonly Drawn[];
  readonly lines: string[];
}

function draw({ item, children }: TreeNode<Drawn>, depth: number, to: Drawing): void {
  to.lines.push(`${'  '.repeat(depth)}${item.label}`);
  // Memory comes first, below the outermost group that is just the node's CPUs; the machine itself is the last resort.
  const isMachine = item.rank === RANK.machine;
  for (const [index, node] of to.data.nodes.entries()) {
    const further = isMachine && children.some((child) => same(node.localCpus, child.item.cpus));
    const home = node.package === null ? isMachine : to.packages[node.package] === item;
    const here = node.localCpus.length === 0 ? home : same(node.localCpus, item.cpus) && !further;
    if (!here || to.drawnNodes.has(node.os)) continue;
    to.drawnNodes.add(node.os);
    to.lines.push(`${'  '.repeat(depth + 1)}${nodeLabel(node, index)}`);
    for (const cache of node.memorySideCaches)
      to.lines.push(`${'  '.repeat(depth + 2)}MemCache (${facts(bytes('size', cache.sizeBytes))})`);
  }
  for (const child of children) draw(child, depth + 1, to);
  for (const empty of to.empty) {
    if (empty.package === null ? isMachine : to.packages[empty.package] === item)
      draw({ item: empty, children: [] }, depth + 1, to);
  }
}

/** A node whose CPUs are no other group's gets a group of its own, as in hwloc. */
function groupsForNodes(nodes: readonly NumaNode[], items: readonly Drawn[]): Drawn[] {
  const known = new Set(items.map((item) => item.cpus.join()));
  return nodes
    .filter(({ localCpus }) => {
      if (localCpus.length === 0 || known.has(localCpus.join())) return false;
      known.add(localCpus.join());
      return true;
    })
    .map((node, index) =>
      drawn({ cpus: node.localCpus, package: node.package }, RANK.group, `Group L#${index}`),
    );
}

function drawn(
  item: { cpus: readonly number[]; package: number | null },
  rank: number,
  label: string,
): Drawn {
  return { cpus: item.cpus, rank, label: label.replace(' ()', ''), package: item.package };
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length > 0 && a.length === b.length && a[0] === b[0] && a.every((cpu, index) => cpu === b[index]);
}

function cacheLabel(data: TopologyData, cache: Cache): string {
  const name = cacheKind(cache);
  const logical = cache.index - data.caches.findIndex((other) => cacheKind(other) === name);
  const ways = cache.ways === null ? '' : `ways=${cache.ways}`;
  return `${name} L#${logical} (${facts(bytes('size', cache.sizeBytes), cache.lineBytes ? `linesize=${cache.lineBytes}` : '', ways)})`;
}

function nodeLabel(node: NumaNode, index: number): string {
  const extra = facts(
    `P#${node.os}`,
    bytes('local', node.memoryBytes),
    node.tier === null ? '' : `tier=${node.tier}`,
    node.memoryOnly ? 'memory only' : '',
  );
  return `NUMANode L#${index} (${extra})`;
}

function kind(data: TopologyData, cpus: readonly number[]): string {
  if (data.kinds.length < 2) return '';
  const own = data.kinds.find((item) => item.cpus.includes(cpus[0] ?? -1));
  return own === undefined ? '' : `cpukind=${own.index}`;
}

function footer(data: TopologyData): string[] {
  const lines: string[] = [];
  if (data.offlineCpus.length > 0) lines.push(`offline CPUs: ${formatCpuList(data.offlineCpus)}`);
  if (data.disallowedCpus.length > 0)
    lines.push(`CPUs outside the cpuset: ${formatCpuList(data.disallowedCpus)}`);
  if (data.disallowedNodes.length > 0)
    lines.push(`nodes outside the cpuset: ${formatCpuList(data.disallowedNodes)}`);
  for (const note of data.notes) lines.push(`note: ${note}`);
  return lines;
}

function facts(...parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}

function os(number: number | null): string {
  return number === null ? '' : `P#${number}`;
}

function quoted(text: string | null): string {
  return text === null ? '' : JSON.stringify(text);
}

/** KiB below 10 MiB, and so on, as hwloc. */
function bytes(name: string, value: number | null): string {
  if (value === null) return '';
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = Math.round(value / 1024);
  let unit = 0;
  while (scaled >= 10_240 && unit < units.length - 1) {
    scaled = Math.round(scaled / 1024);
    unit++;
  }
  return `${name}=${scaled}${units[unit]}`;
}
