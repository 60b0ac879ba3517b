/** Puts what was found together: order by the tree, restriction to what is allowed, indices, counts. */
import type { RawCache } from './caches.ts';
import type { CpuInfo } from './cpu-info.ts';
import type { FoundCpus } from './cpus.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { FoundGroups } from './groups.ts';
import { holds } from './hierarchy.ts';
import type { RawGroup } from './levels.ts';
import type { RawNode } from './nodes.ts';
import type { CoreKind, NumaNode, Pu, TopologyData } from './topology-data.ts';
import { countKinds } from './counts.ts';
import { cacheKind } from './topology-data.ts';

export interface Findings {
  readonly cpus: FoundCpus;
  readonly levels: FoundGroups['levels'];
  readonly caches: readonly RawCache[];
  /** Online CPUs in the order of the tree. */
  readonly order: CpuSet;
  readonly distanceGroups: readonly CpuSet[];
  readonly nodes: readonly RawNode[];
  readonly kinds: readonly CoreKind[];
  readonly info: CpuInfo;
  readonly model: string | null;
  readonly memoryBytes: number | null;
  /** `null`: everything is allowed. */
  readonly allowedCpus: ReadonlySet<number> | null;
  readonly allowedNodes: ReadonlySet<number> | null;
  /** What is not allowed stays, and is listed all the same. */
  readonly disallowed: boolean;
  readonly notes: readonly string[];
}

export function assemble(found: Findings): TopologyData {
  const { levels, info } = found;
  const position = new Map(found.order.map((cpu, index) => [cpu, index]));
  const mayUseCpu = (cpu: number): boolean => found.allowedCpus?.has(cpu) ?? true;
  const mayUseNode = (node: number): boolean => found.allowedNodes?.has(node) ?? true;
  const isAllowed = (cpu: number): boolean => found.disallowed || mayUseCpu(cpu);
  const nodes = found.nodes.filter(({ os }) => found.disallowed || mayUseNode(os));

  const homes = nodes.map(({ localCpus }) => localCpus).filter((cpus) => cpus.length > 0);
  const outermost = outermostKinds(found);
  /** Groups that hold something allowed, in the order of the tree; one of which only memory is allowed stays, as in hwloc. */
  const keep = <T extends RawGroup>(kind: string | ((group: T) => string), groups: readonly T[]): T[] =>
    groups
      .filter((group) => {
        if (group.cpus.some(isAllowed)) return true;
        const own = typeof kind === 'string' ? kind : kind(group);
        const isOutermost = outermost.get(group.cpus.join()) === own;
        return homes.some(
          (home) => (home.length < group.cpus.length || isOutermost) && holds(group.cpus, home),
        );
      })
      .toSorted((a, b) => first(a) - first(b) || b.cpus.length - a.cpus.length);
  const first = (group: RawGroup): number => Math.min(...group.cpus.map((cpu) => position.get(cpu) ?? 0));

  const rawPackages = keep('package', levels.package);
  const packageOf = indexByCpu(rawPackages);
  const commonPackage = (cpus: CpuSet): number | null => {
    const own = packageOf.get(cpus[0] ?? -1);
    return own !== undefined && cpus.every((cpu) => packageOf.get(cpu) === own) ? own : null;
  };
  const restrict = <T extends RawGroup>(
    kind: string | ((group: T) => string),
    groups: readonly T[],
  ): (T & { index: number; package: number | null })[] =>
    keep(kind, groups).map((group, index) => ({
      ...group,
      index,
      cpus: group.cpus.filter(isAllowed),
      package: commonPackage(group.cpus),
    }));

  const cores = restrict('core', levels.core);
  const clusters = restrict('cluster', levels.cluster);
  const dies = restrict('die', levels.die);
  const grouped = {
    drawer: levels.drawer,
    book: levels.book,
    distance: found.distanceGroups.map((cpus) => ({ os: null, cpus })),
  };
  const groups = (['drawer', 'book', 'distance'] as const)
    .flatMap((kind) =>
      keep(kind, grouped[kind]).map(({ os, cpus }) => ({ os, kind, cpus: cpus.filter(isAllowed) })),
    )
    .map((group, index) => ({ index, ...group }));
  const caches = restrict(cacheKind, found.caches)
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
  // Backwards, so that of nodes that share their CPUs the first one counts.
  const nodeOf = new Map(
    numaNodes.toReversed().flatMap(({ os, cpus }) => cpus.map((cpu) => [cpu, os] as const)),
  );
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
    groups,
    dies,
    packages,
    nodes: numaNodes,
    caches,
    kinds,
    offlineCpus: found.cpus.offline,
    disallowedCpus: found.cpus.online.filter((cpu) => !mayUseCpu(cpu)),
    disallowedNodes: found.nodes.map(({ os }) => os).filter((os) => !mayUseNode(os)),
    notes: found.notes,
  };
  return { ...data, counts: countKinds(data) };
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** Of the kinds that share a set of CPUs, the one outside: memory is attached to it. */
function outermostKinds({ levels, caches }: Findings): ReadonlyMap<string, string> {
  const kinds = new Map<string, string>();
  const enter = (kind: string, { cpus }: RawGroup): void => {
    const key = cpus.join();
    if (!kinds.has(key)) kinds.set(key, kind);
  };
  for (const kind of ['package', 'die'] as const) for (const group of levels[kind]) enter(kind, group);
  const outsideIn = caches.toSorted(
    (a, b) => b.level - a.level || Number(a.type === 'instruction') - Number(b.type === 'instruction'),
  );
  for (const cache of outsideIn) enter(cacheKind(cache), cache);
  // Groups last: hwloc has none where something else has the same CPUs.
  for (const kind of ['core', 'cluster', 'drawer', 'book'] as const)
    for (const group of levels[kind]) enter(kind, group);
  return kinds;
}

/** Where files contradict each other, a package may hold another one: the inner one counts. */
function indexByCpu(groups: readonly { readonly cpus: CpuSet }[]): Map<number, number> {
  const byCpu = new Map<number, number>();
  const outsideIn = [...groups.entries()].toSorted(([, a], [, b]) => b.cpus.length - a.cpus.length);
  for (const [index, { cpus }] of outsideIn) for (const cpu of cpus) byCpu.set(cpu, index);
  return byCpu;
}
