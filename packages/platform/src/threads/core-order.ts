/**
 * The order in which the cores of a machine are taken: neighbours first, or as far apart as can be.
 *
 * Both walk the same tree of groups: node, package, die, caches from the largest to the smallest, cluster. An order has all prefixes in it, so
 * that a thread more moves none of the others.
 */
import { MAX_CACHE_LEVEL } from '../topology/topology-data.ts';
import type { Pu, TopologyData } from '../topology/topology-data.ts';

/** The hardware threads of a core that may be used, at least one. */
export interface UsableCore {
  readonly pus: readonly [Pu, ...Pu[]];
}

/** What a hardware thread belongs to at one level. `null`: nothing, or not known; all of these are one group. */
type Level = (pu: Pu) => number | null;

interface Group {
  readonly key: number | null;
  readonly cores: UsableCore[];
}

/** In the order of the topology. A CPU of which the core is not known is one of its own. */
export function usableCores(data: TopologyData, usable: ReadonlySet<number>): UsableCore[] {
  const byCore = new Map<number | Pu, [Pu, ...Pu[]]>();
  for (const pu of data.pus) {
    if (!usable.has(pu.os)) continue;
    const key = pu.core ?? pu;
    const own = byCore.get(key);
    if (own === undefined) byCore.set(key, [pu]);
    else own.push(pu);
  }
  return [...byCore.values()].map((pus) => ({ pus }));
}

/**
 * Fewest groups at every level, the outermost first: the largest group, then the next, the nearest of equals (nodes by distance).
 * @param weight how many threads a core takes
 */
export function compactOrder(
  data: TopologyData,
  cores: readonly UsableCore[],
  weight: (core: UsableCore) => number,
): UsableCore[] {
  const size = ({ cores: own }: Group): number => own.reduce((sum, core) => sum + weight(core), 0);
  return descend(levelsOf(data), cores, (groups, depth, walk) => {
    const sizes = groups.map(size);
    const order =
      depth === 0
        ? chain(data, groups, (at, distance) => [-(sizes[at] ?? 0), distance])
        : groups.map((_, at) => at).toSorted((a, b) => (sizes[b] ?? 0) - (sizes[a] ?? 0));
    return order.flatMap((at) => walk(groups[at]?.cores ?? []));
  });
}

/** Most groups at every level: one core of each in turn, starting with nodes that are far from each other. */
export function spreadOrder(data: TopologyData, cores: readonly UsableCore[]): UsableCore[] {
  return descend(levelsOf(data), cores, (groups, depth, walk) => {
    const order = depth === 0 ? chain(data, groups, (_, distance) => [-distance]) : groups.keys();
    return deal([...order].map((at) => walk(groups[at]?.cores ?? [])));
  });
}

/** Puts the groups of a level in order, each in the order that `walk` gives it. */
type Arrange = (
  groups: readonly Group[],
  depth: number,
  walk: (cores: readonly UsableCore[]) => readonly UsableCore[],
) => readonly UsableCore[];

/** Level by level; those that divide nothing are passed over. */
function descend(levels: readonly Level[], cores: readonly UsableCore[], arrange: Arrange): UsableCore[] {
  const walk = (part: readonly UsableCore[], depth: number): readonly UsableCore[] => {
    const level = levels[depth];
    if (level === undefined || part.length === 1) return part;
    const groups = split(part, level);
    const deeper = (own: readonly UsableCore[]): readonly UsableCore[] => walk(own, depth + 1);
    return groups.length === 1 ? deeper(part) : arrange(groups, depth, deeper);
  };
  return [...walk(cores, 0)];
}

function levelsOf(data: TopologyData): Level[] {
  const levels: Level[] = [(pu) => pu.node, (pu) => pu.package, (pu) => pu.die];
  for (let level = MAX_CACHE_LEVEL; level >= 1; level--) {
    const some = data.caches.some((cache) => cache.level === level && cache.type !== 'instruction');
    if (some) levels.push((pu) => cacheOf(data, pu, level));
  }
  return [...levels, (pu) => pu.cluster];
}

function cacheOf(data: TopologyData, pu: Pu, level: number): number | null {
  for (const index of pu.caches) {
    const cache = data.caches[index];
    if (cache?.level === level && cache.type !== 'instruction') return index;
  }
  return null;
}

/** The outermost cache of a hardware thread, as an index. */
export function lastCacheOf(data: TopologyData, pu: Pu): number | null {
  return pu.caches.findLast((index) => data.caches[index]?.type !== 'instruction') ?? null;
}

function split(cores: readonly UsableCore[], level: Level): Group[] {
  const groups = new Map<number | null, Group>();
  for (const core of cores) {
    const key = level(core.pus[0]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { key, cores: [core] });
    else group.cores.push(core);
  }
  return [...groups.values()];
}

/**
 * Nodes, as indices of `groups`, one after the other: always the one of least cost, compared number by number; the first of equals.
 * `distance` is the sum of those to the nodes picked before, 0 where the firmware does not tell.
 */
function chain(
  data: TopologyData,
  groups: readonly Group[],
  costOf: (at: number, distance: number) => readonly number[],
): number[] {
  const rows = new Map<number | null, number>(data.nodes.map(({ os }, row) => [os, row]));
  const rowOf = groups.map(({ key }) => rows.get(key) ?? -1);
  const distance = groups.map(() => 0);
  const left = new Set(groups.keys());
  const picked: number[] = [];
  while (left.size > 0) {
    let best = -1;
    let least: readonly number[] = [];
    for (const at of left) {
      const cost = costOf(at, distance[at] ?? 0);
      if (best >= 0 && !lower(cost, least)) continue;
      best = at;
      least = cost;
    }
    left.delete(best);
    picked.push(best);
    const row = data.nodes[rowOf[best] ?? -1]?.distances;
    for (const at of left) distance[at] = (distance[at] ?? 0) + (row?.[rowOf[at] ?? -1] ?? 0);
  }
  return picked;
}

function lower(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

/** One of each list in turn until all are empty. */
function deal<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map((list) => list.length));
  const dealt: T[] = [];
  for (let round = 0; round < longest; round++)
    for (const list of lists) if (round < list.length) dealt.push(list[round] as T);
  return dealt;
}
