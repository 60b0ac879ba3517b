/** What may be asked of a placement. */
import type { CpuSet } from '../machine/cpu-set.ts';
import { formatCpuList } from '../machine/cpu-set.ts';
import { PlatformOptionError } from '../errors.ts';
import { listed } from '../options.ts';
import { shown } from '../shown.ts';

/** More threads than any process runs. */
export const MAX_PLACEMENT_THREADS = 65_536;

interface Common {
  /** More threads than places: true (the default) starts over, false throws. */
  readonly oversubscribe?: boolean;
}

export interface AutomaticPlacement extends Common {
  /**
   * - `compact`: threads near to each other: fewest nodes, packages, caches.
   * - `spread`: far from each other: most nodes, packages, caches.
   * - `perNode`: every node as full as the others.
   */
  readonly policy: 'compact' | 'spread' | 'perNode';
  /** 1 to MAX_PLACEMENT_THREADS. */
  readonly threads: number;
  /** Only these CPUs. */
  readonly cpus?: Iterable<number>;
  /** Only CPUs of these nodes, by the kernel's numbers. */
  readonly nodes?: Iterable<number>;
  /**
   * Cores with several hardware threads. `last` (the default): the second of a core only when every core has one. `pack`: all of a core before
   * the next core. `never`: one a core.
   */
  readonly smt?: 'last' | 'pack' | 'never';
  /** Which cores are filled first where there are faster and slower ones. Default `performance`. `any`: as if they were equal. */
  readonly prefer?: 'performance' | 'efficiency' | 'any';
  /**
   * What a slot has beside the CPU that was chosen for it: nothing, or the usable CPUs of the same core, of the same outermost cache, or of the same
   * node. Default `cpu`, and `node` for `perNode`.
   */
  readonly bind?: 'cpu' | 'core' | 'cache' | 'node';
}

export interface ExplicitPlacement extends Common {
  readonly policy: 'explicit';
  /** A CPU, or a set of them, for each slot in this order. */
  readonly cpus: readonly (number | CpuSet)[];
  /** Default: one for each entry of `cpus`. */
  readonly threads?: number;
}

export type PlacementOptions = AutomaticPlacement | ExplicitPlacement;

const CHOICES = {
  smt: ['last', 'pack', 'never'],
  prefer: ['performance', 'efficiency', 'any'],
  bind: ['cpu', 'core', 'cache', 'node'],
  oversubscribe: [true, false],
} as const;
const POLICIES = ['compact', 'spread', 'perNode', 'explicit'];

/**
 * A copy, in which every set is an array: what comes in may answer otherwise the second time that it is read.
 * @throws PlatformOptionError
 */
export function checkPlacementOptions(given: PlacementOptions): PlacementOptions {
  if (typeof given !== 'object' || given === null)
    throw new PlatformOptionError('policy', 'expected { policy, threads, … }');
  const options = { ...given };
  const { policy } = options;
  if (!POLICIES.includes(policy))
    throw new PlatformOptionError('policy', `${shown(policy)} is none of ${POLICIES.join(', ')}`);
  const allowed =
    policy === 'explicit'
      ? ['policy', 'threads', 'cpus', 'oversubscribe']
      : ['policy', 'threads', 'cpus', 'nodes', ...Object.keys(CHOICES)];
  for (const name of Object.keys(options))
    if (!allowed.includes(name)) throw new PlatformOptionError(name, `not with policy ${policy}`);
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value: unknown = (options as unknown as Record<string, unknown>)[name];
    if (value !== undefined && !(choices as readonly unknown[]).includes(value))
      throw new PlatformOptionError(name, `${shown(value)} is none of ${choices.join(', ')}`);
  }
  const { threads } = options;
  if (threads === undefined ? policy !== 'explicit' : !isCount(threads))
    throw new PlatformOptionError(
      'threads',
      `${shown(threads)} is no whole number from 1 to ${MAX_PLACEMENT_THREADS}`,
    );
  return policy === 'explicit' ? checkExplicit(options) : checkSets(options);
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= MAX_PLACEMENT_THREADS;
}

function checkExplicit(options: ExplicitPlacement): ExplicitPlacement {
  const { cpus } = options;
  if (!Array.isArray(cpus) || !isCount(cpus.length))
    throw new PlatformOptionError(
      'cpus',
      `expected 1 to ${MAX_PLACEMENT_THREADS} CPUs or sets of CPUs in an array`,
    );
  const sets = Array.from(cpus as readonly (number | CpuSet)[], (entry) =>
    checkSet('cpus', typeof entry === 'number' ? [entry] : entry),
  );
  return { ...options, cpus: sets };
}

function checkSets(options: PlacementOptions): PlacementOptions {
  const { cpus, nodes } = options as AutomaticPlacement;
  return {
    ...(options as AutomaticPlacement),
    ...(cpus !== undefined && { cpus: checkSet('cpus', cpus) }),
    ...(nodes !== undefined && { nodes: checkSet('nodes', nodes) }),
  };
}

function checkSet(name: string, numbers: Iterable<number>): readonly number[] {
  const set = listed(name, numbers);
  if (set.length === 0) throw new PlatformOptionError(name, 'an empty set, expected at least one');
  formatCpuList(set); // throws for what are no numbers of CPUs or nodes
  return set;
}
