/**
 * The order in which the cores of a machine are taken: neighbours first, or as far apart as can be.
 *
 * Both walk the same tree of groups: node, package, die, caches from the largest to the smallest, cluster. An order has all prefixes in it, so
 * that a thread more moves none of the others.
 */
import { MAX_CACHE_LEVEL } from './topology-data.ts';
import type { Pu, TopologyData } from './topology-data.ts';

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
  const levels = levelsOf(data);
  const size = (group: Group): number => group.cores.reduce((sum, core) => sum + weight(core), 0);
  const walk = (part: readonly UsableCore[], depth: number): readonly UsableCore[] => {
    const level = levels[depth];
    if (level === undefined) return part;
    const groups = split(part, level);
    if (groups.length === 1) return walk(part, depth + 1);
    const sizes = new Map(groups.map((group) => [group, size(group)]));
    const far = depth === 0 ? distances(data) : () => 0;
    return pick(groups, (group, picked) => [
      -(sizes.get(group) ?? 0),
      totalDistance(picked, group, far),
    ]).flatMap((group) => walk(group.cores, depth + 1));
  };
  return [...walk(cores, 0)];
}

/** Most groups at every level: one core of each in turn, starting with nodes that are far from each other. */
export function spreadOrder(data: TopologyData, cores: readonly UsableCore[]): UsableCore[] {
  const levels = levelsOf(data);
  const walk = (part: readonly UsableCore[], depth: number): readonly UsableCore[] => {
    const level = levels[depth];
    if (level === undefined) return part;
    const groups = split(part, level);
    if (groups.length === 1) return walk(part, depth + 1);
    const far = depth === 0 ? distances(data) : () => 0;
    return deal(
      pick(groups, (group, picked) => [-totalDistance(picked, group, far)]).map((group) =>
        walk(group.cores, depth + 1),
      ),
    );
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

/** One after the other, always the one with the least cost, compared number by number; the first of equals. */
function pick(
  groups: readonly Group[],
  costOf: (group: Group, picked: readonly Group[]) => number[],
): Group[] {
  const left = [...groups];
  const picked: Group[] = [];
  while (left.length > 0) {
    const costs = left.map((group) => costOf(group, picked));
    const best = costs.reduce((least, cost, at) => (lower(cost, costs[least] ?? []) ? at : least), 0);
    picked.push(...left.splice(best, 1));
  }
  return picked;
}

function lower(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0);
}

function totalDistance(picked: readonly Group[], group: Group, far: (a: Group, b: Group) => number): number {
  return picked.reduce((sum, other) => sum + far(other, group), 0);
}

/** Between groups of the outermost level, which are nodes. 0 where the firmware does not tell. */
function distances(data: TopologyData): (a: Group, b: Group) => number {
  const at = new Map<number | null, number>(data.nodes.map((node, index) => [node.os, index]));
  return (a, b) => data.nodes[at.get(a.key) ?? -1]?.distances?.[at.get(b.key) ?? -1] ?? 0;
}

/** One of each list in turn until all are empty. */
function deal<T>(lists: readonly (readonly T[])[]): T[] {
  const longest = Math.max(...lists.map((list) => list.length));
  const dealt: T[] = [];
  for (let round = 0; round < longest; round++)
    for (const list of lists) if (round < list.length) dealt.push(list[round] as T);
  return dealt;
}
