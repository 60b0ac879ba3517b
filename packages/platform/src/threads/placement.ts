/**
 * Which CPUs each of n threads is given, as plain data, from a topology alone. The same input gives the same answer; nothing is asked of
 * the machine, and `pin` does the rest.
 */
import type { UsableCore } from './core-order.ts';
import { compactOrder, lastCacheOf, spreadOrder, usableCores } from './core-order.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { formatCpuList } from '../machine/cpu-set.ts';
import { PlacementError, PlatformOptionError } from '../errors.ts';
import type { AutomaticPlacement, ExplicitPlacement, PlacementOptions } from './placement-options.ts';
import { checkPlacementOptions } from './placement-options.ts';
import { shown } from '../shown.ts';
import type { Pu, TopologyData } from '../topology/topology-data.ts';

/** Plain data: travels in `workerData`. */
export interface PlacementSlot {
  /** Of the thread, from 0. */
  readonly index: number;
  /** Where it may run. */
  readonly cpus: CpuSet;
  /** The kernel's number of the node that has all of these; `null` where they are in several, or it is not known. */
  readonly node: number | null;
}

export interface Placement {
  readonly policy: PlacementOptions['policy'];
  readonly slots: readonly PlacementSlot[];
  /** How many threads there is room for before any share. */
  readonly places: number;
  /** More threads than places: slots repeat in the same order, so that no place has two threads more than another. */
  readonly oversubscribed: boolean;
}

/**
 * Deals out CPUs to threads. Only what the topology has is used: neither offline CPUs nor, unless it was read with `disallowed`, those outside of
 * the cpuset. The affinity mask of the process is another matter: `cpus: affinity().value` keeps inside of it.
 *
 * A slot does not depend on how many come after it.
 * @throws PlatformOptionError for options that make no sense
 * @throws PlacementError for CPUs and nodes that are not there, for nothing left to choose from, and with `oversubscribe: false` for more threads than places
 */
export function place(topology: TopologyData, options: PlacementOptions): Placement {
  const checked = checkPlacementOptions(options);
  if (!Array.isArray(topology?.pus) || !Array.isArray(topology.nodes))
    throw new PlatformOptionError('topology', `must be a topology, found ${shown(topology)}`);
  const allowed = new Map(topology.pus.map((pu) => [pu.os, pu]));
  const sets =
    checked.policy === 'explicit' ? explicit(allowed, checked) : automatic(topology, allowed, checked);
  const threads = checked.threads ?? sets.length;
  const oversubscribed = threads > sets.length;
  if (oversubscribed && checked.oversubscribe === false)
    throw new PlacementError(`${threads} threads for ${sets.length} places, and oversubscribe is false`);
  // Many slots share one set.
  const nodeOf = new Map([...new Set(sets)].map((cpus) => [cpus, commonNode(allowed, cpus)]));
  const slots = Array.from({ length: threads }, (_, index) => {
    const cpus = sets[index % sets.length] as CpuSet;
    return Object.freeze({ index, cpus, node: nodeOf.get(cpus) ?? null });
  });
  return Object.freeze({
    policy: checked.policy,
    slots: Object.freeze(slots),
    places: sets.length,
    oversubscribed,
  });
}

type Pus = ReadonlyMap<number, Pu>;

function explicit(allowed: Pus, { cpus }: ExplicitPlacement): CpuSet[] {
  return cpus.map((entry) => {
    const set = typeof entry === 'number' ? [entry] : [...new Set(entry)].toSorted((a, b) => a - b);
    known(allowed, set);
    return Object.freeze(set);
  });
}

function known(allowed: Pus, cpus: Iterable<number>): void {
  const missing = [...cpus].filter((cpu) => !allowed.has(cpu));
  if (missing.length > 0)
    throw new PlacementError(
      `CPUs ${formatCpuList(missing)} are not there, or not allowed; there are ${formatCpuList(allowed.keys())}`,
    );
}

function automatic(topology: TopologyData, allowed: Pus, options: AutomaticPlacement): CpuSet[] {
  const cores = usableCores(topology, usableCpus(topology, allowed, options));
  const places =
    options.policy === 'perNode'
      ? balance(
          split(cores, ([pu]) => pu.node).map((own) =>
            expand(
              prefer(own, options, (part) => spreadOrder(topology, part)),
              options,
            ),
          ),
        )
      : expand(
          prefer(cores, options, (part) =>
            options.policy === 'spread'
              ? spreadOrder(topology, part)
              : compactOrder(topology, part, ({ pus }) => (options.smt === 'pack' ? pus.length : 1)),
          ),
          options,
        );
  return widen(topology, places, options);
}

function usableCpus(topology: TopologyData, allowed: Pus, options: AutomaticPlacement): Set<number> {
  let usable = new Set(allowed.keys());
  if (options.cpus !== undefined) {
    usable = new Set(options.cpus);
    known(allowed, usable);
  }
  if (options.nodes !== undefined) {
    const nodes = new Set(options.nodes);
    const there = topology.nodes.map(({ os }) => os);
    for (const node of nodes)
      if (!there.includes(node))
        throw new PlacementError(`node ${node} is not there; there are ${formatCpuList(there)}`);
    for (const cpu of usable) if (!nodes.has(allowed.get(cpu)?.node ?? -1)) usable.delete(cpu);
    if (usable.size === 0)
      throw new PlacementError(`no CPU of those asked for is on nodes ${formatCpuList(nodes)}`);
  }
  if (usable.size === 0) throw new PlacementError('the topology has no CPU that is allowed');
  return usable;
}

/** Cores of the kind asked for before all others; the policy holds within a kind. */
function prefer(
  cores: readonly UsableCore[],
  options: AutomaticPlacement,
  order: (part: readonly UsableCore[]) => UsableCore[],
): UsableCore[] {
  if (options.prefer === 'any') return order(cores);
  // Kinds are numbered from the slowest.
  const sign = options.prefer === 'efficiency' ? 1 : -1;
  return split(cores, ([pu]) => pu.kind)
    .toSorted(([a], [b]) => sign * ((a?.pus[0].kind ?? 0) - (b?.pus[0].kind ?? 0)))
    .flatMap((part) => order(part));
}

/** The hardware threads of ordered cores, in the order in which they are taken. */
function expand(cores: readonly UsableCore[], { smt }: AutomaticPlacement): Pu[] {
  if (smt === 'pack') return cores.flatMap(({ pus }) => pus);
  if (smt === 'never') return cores.map(({ pus }) => pus[0]);
  const most = Math.max(...cores.map(({ pus }) => pus.length));
  return Array.from({ length: most }, (_, thread) =>
    cores.flatMap(({ pus }) => pus.slice(thread, thread + 1)),
  ).flat();
}

/**
 * The places of all nodes so that each has threads by its size: the next goes to the node that it leaves the least full. That is the order of
 * the fullness that each place brings its node to.
 */
function balance(nodes: readonly (readonly Pu[])[]): Pu[] {
  return nodes
    .flatMap((places) => places.map((pu, at) => ({ pu, fullness: (at + 1) / places.length })))
    .toSorted((a, b) => a.fullness - b.fullness)
    .map(({ pu }) => pu);
}

/** Each place with those that share what a slot is bound to. */
function widen(topology: TopologyData, places: readonly Pu[], options: AutomaticPlacement): CpuSet[] {
  const bind = options.bind ?? (options.policy === 'perNode' ? 'node' : 'cpu');
  if (bind === 'cpu') return places.map(({ os }) => Object.freeze([os]));
  const keyOf = (pu: Pu): number | null =>
    bind === 'core' ? (pu.core ?? -1 - pu.os) : bind === 'cache' ? lastCacheOf(topology, pu) : pu.node;
  const sets = new Map<number | null, number[]>();
  for (const pu of places) {
    const own = sets.get(keyOf(pu));
    if (own === undefined) sets.set(keyOf(pu), [pu.os]);
    else own.push(pu.os);
  }
  const frozen = new Map([...sets].map(([key, set]) => [key, Object.freeze(set.toSorted((a, b) => a - b))]));
  return places.map((pu) => frozen.get(keyOf(pu)) ?? []);
}

function commonNode(allowed: Pus, cpus: CpuSet): number | null {
  const [first = -1, ...rest] = cpus;
  const node = allowed.get(first)?.node ?? null;
  return rest.every((cpu) => (allowed.get(cpu)?.node ?? null) === node) ? node : null;
}

function split(
  cores: readonly UsableCore[],
  keyOf: (pus: UsableCore['pus']) => number | null,
): UsableCore[][] {
  const parts = new Map<number | null, UsableCore[]>();
  for (const core of cores) {
    const part = parts.get(keyOf(core.pus));
    if (part === undefined) parts.set(keyOf(core.pus), [core]);
    else part.push(core);
  }
  return [...parts.values()];
}
