/** Puts what was found together: order by the tree, restriction to what is allowed, indices, counts. */
import type { RawCache } from './caches.ts';
import type { CpuInfo } from './cpu-info.ts';
import type { CpuLevels, FoundCpus } from './cpus.ts';
import type { CpuSet } from './cpu-set.ts';
import type { RawNode } from './nodes.ts';
import type { RawGroup } from './partition.ts';
import type { CoreKind, NumaNode, Pu, TopologyData } from './topology-data.ts';
import { countKinds } from './counts.ts';
import { leaves, nest, RANK } from './tree.ts';

export interface Findings {
  readonly cpus: FoundCpus;
  readonly levels: CpuLevels;
  readonly caches: readonly RawCache[];
  readonly nodes: readonly RawNode[];
  readonly kinds: readonly CoreKind[];
  readonly info: CpuInfo;
  readonly model: string | null;
  readonly memoryBytes: number | null;
  /** `null`: everything is allowed. */
  readonly allowedCpus: ReadonlySet<number> | null;
  readonly allowedNodes: ReadonlySet<number> | null;
  readonly notes: readonly string[];
}

export function assemble(found: Findings): TopologyData {
  const { levels, info } = found;
  const position = order(found);
  const isAllowed = (cpu: number): boolean => found.allowedCpus?.has(cpu) ?? true;
  const nodes = found.nodes.filter(({ os }) => found.allowedNodes?.has(os) ?? true);

  /** Groups that hold something allowed, in the order of the tree; a package of which only memory is allowed stays, as in hwloc. */
  const keep = <T extends RawGroup>(groups: readonly T[]): T[] =>
    groups
      .filter((group) => group.cpus.some(isAllowed) || holdsNode(group.cpus, nodes))
      .toSorted((a, b) => first(a) - first(b));
  const first = (group: RawGroup): number => Math.min(...group.cpus.map((cpu) => position.get(cpu) ?? 0));

  const rawPackages = keep(levels.packages);
  const packageOf = indexByCpu(rawPackages);
  const commonPackage = (cpus: CpuSet): number | null => {
    const own = packageOf.get(cpus[0] ?? -1);
    return own !== undefined && cpus.every((cpu) => packageOf.get(cpu) === own) ? own : null;
  };
  const restrict = <T extends RawGroup>(
    groups: readonly T[],
  ): (T & { index: number; package: number | null })[] =>
    keep(groups).map((group, index) => ({
      ...group,
      index,
      cpus: group.cpus.filter(isAllowed),
      package: commonPackage(group.cpus),
    }));

  const cores = restrict(levels.cores);
  const clusters = restrict(levels.clusters);
  const dies = restrict(levels.dies);
  const caches = restrict(found.caches)
    .toSorted((a, b) => a.level - b.level || compare(a.type, b.type) || a.index - b.index)
    .map((cache, index) => ({ ...cache, index }));
  const numaNodes: NumaNode[] = nodes.map(({ distanceTo, ...node }) => ({
    ...node,
    cpus: node.cpus.filter(isAllowed),
    localCpus: node.localCpus.filter(isAllowed),
    distances: distanceTo === null ? null : nodes.map(({ os }) => distanceTo.get(os) ?? 0),
    package: commonPackage(node.localCpus),
  }));
  const packages = rawPackages.map(({ os, cpus }, index) => ({
    index,
    os,
    cpus: cpus.filter(isAllowed),
    nodes: numaNodes.filter((node) => node.package === index).map((node) => node.os),
    model: info.models.get(cpus[0] ?? -1) ?? info.model,
  }));
  const kinds = found.kinds
    .map((kind) => ({ ...kind, cpus: kind.cpus.filter(isAllowed) }))
    .filter(({ cpus }) => cpus.length > 0)
    .map((kind, index) => ({ ...kind, index }));

  const coreOf = indexByCpu(cores);
  const clusterOf = indexByCpu(clusters);
  const dieOf = indexByCpu(dies);
  const kindOf = indexByCpu(kinds);
  const nodeOf = new Map(numaNodes.flatMap(({ os, cpus }) => cpus.map((cpu) => [cpu, os] as const)));
  const cachesOf = new Map<number, number[]>();
  for (const { index, cpus } of caches) {
    for (const cpu of cpus) {
      const own = cachesOf.get(cpu);
      if (own === undefined) cachesOf.set(cpu, [index]);
      else own.push(index);
    }
  }
  const pus: Pu[] = [...position.keys()].filter(isAllowed).map((os) => ({
    os,
    core: coreOf.get(os) ?? null,
    cluster: clusterOf.get(os) ?? null,
    die: dieOf.get(os) ?? null,
    package: packageOf.get(os) ?? null,
    node: nodeOf.get(os) ?? null,
    caches: cachesOf.get(os) ?? [],
    kind: kindOf.get(os) ?? null,
  }));

  const data = {
    source: 'sysfs' as const,
    model: found.model,
    memoryBytes: found.memoryBytes,
    pus,
    cores,
    clusters,
    dies,
    packages,
    nodes: numaNodes,
    caches,
    kinds,
    offlineCpus: found.cpus.offline,
    disallowedCpus: found.cpus.online.filter((cpu) => !isAllowed(cpu)),
    disallowedNodes: found.nodes.map(({ os }) => os).filter((os) => !(found.allowedNodes?.has(os) ?? true)),
    notes: found.notes,
  };
  return { ...data, counts: countKinds(data) };
}

/** Position of each online CPU in the tree, in that order. */
function order({ cpus, levels, caches, nodes }: Findings): Map<number, number> {
  const items = [
    ...levels.packages.map((group) => ({ cpus: group.cpus, rank: RANK.package })),
    ...levels.dies.map((group) => ({ cpus: group.cpus, rank: RANK.die })),
    ...nodes.map((node) => ({ cpus: node.cpus, rank: RANK.group })),
    ...levels.clusters.map((group) => ({ cpus: group.cpus, rank: RANK.cluster })),
    ...caches.map((cache) => ({
      cpus: cache.cpus,
      rank: RANK.cache(cache.level, cache.type === 'instruction'),
    })),
    ...levels.cores.map((group) => ({ cpus: group.cpus, rank: RANK.core })),
    ...cpus.online.map((cpu) => ({ cpus: [cpu], rank: RANK.pu })),
  ].filter((item) => item.cpus.length > 0);
  const tree = nest({ cpus: cpus.online, rank: RANK.machine }, items);
  const position = new Map<number, number>();
  for (const leaf of leaves(tree))
    if (leaf.rank === RANK.pu) for (const cpu of leaf.cpus) position.set(cpu, position.size);
  return position;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function holdsNode(cpus: CpuSet, nodes: readonly RawNode[]): boolean {
  const own = new Set(cpus);
  return nodes.some(({ localCpus }) => localCpus.length > 0 && localCpus.every((cpu) => own.has(cpu)));
}

function indexByCpu(groups: readonly { readonly cpus: CpuSet }[]): Map<number, number> {
  const byCpu = new Map<number, number>();
  for (const [index, { cpus }] of groups.entries()) for (const cpu of cpus) byCpu.set(cpu, index);
  return byCpu;
}
