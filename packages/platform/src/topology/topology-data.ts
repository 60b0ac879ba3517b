/**
 * The shape of a machine, as plain data.
 *
 * Two kinds of numbers: CPUs and NUMA nodes go by the kernel's own numbers everywhere (`os`, `cpus`, `node`, `nodes`), since those
 * are what system calls take. Everything else (`core`, `die`, `package`, `cluster`, `caches`, `kind`) is an index into the array
 * of that name here. Arrays are in the order of the tree: neighbours in `pus` share as much as possible.
 * `null` means not known or not there; what was odd on the way is told in `notes`.
 *
 * Groups of one kind are apart. Only where files contradict each other can one hold another, as in hwloc; a PU then names the inner one.
 */
import type { CpuSet } from '../machine/cpu-set.ts';

/** A processing unit: what the kernel calls a CPU; one hardware thread. */
export interface Pu {
  readonly os: number;
  readonly core: number | null;
  readonly cluster: number | null;
  readonly die: number | null;
  readonly package: number | null;
  /** The kernel's number of its NUMA node. */
  readonly node: number | null;
  /** Caches that it uses, the nearest first. */
  readonly caches: readonly number[];
  readonly kind: number | null;
}

export interface Core {
  readonly index: number;
  /** The kernel's number, unique only within a package (`core_id`). */
  readonly os: number | null;
  readonly cpus: CpuSet;
  readonly package: number | null;
}

/** Cores that share something closer than the die (an L2, on Intel and Arm). Only where it differs from the core and from the die. */
export interface Cluster {
  readonly index: number;
  readonly os: number | null;
  readonly cpus: CpuSet;
  readonly package: number | null;
}

/** What has no name of its own: nodes nearer to each other than to the rest; on s390 books of packages, and drawers of books. */
export interface Group {
  readonly index: number;
  readonly os: number | null;
  readonly kind: 'drawer' | 'book' | 'distance';
  readonly cpus: CpuSet;
}

/** Only where a package has several. */
export interface Die {
  readonly index: number;
  readonly os: number | null;
  readonly cpus: CpuSet;
  readonly package: number | null;
}

export interface Package {
  readonly index: number;
  readonly os: number | null;
  readonly cpus: CpuSet;
  /** Nodes whose local CPUs all lie in this package. */
  readonly nodes: CpuSet;
  readonly model: string | null;
}

export type CacheType = 'data' | 'instruction' | 'unified';

export interface Cache {
  readonly index: number;
  readonly level: number;
  readonly type: CacheType;
  readonly sizeBytes: number | null;
  readonly lineBytes: number | null;
  /** Associativity. */
  readonly ways: number | null;
  readonly os: number | null;
  /** The CPUs that share it. */
  readonly cpus: CpuSet;
  readonly package: number | null;
}

/** A cache in front of a node's memory. */
export interface MemorySideCache {
  readonly level: number;
  readonly sizeBytes: number | null;
  readonly lineBytes: number | null;
  /** 1 where it is direct-mapped; the firmware tells no more. */
  readonly ways: number | null;
}

/** What the firmware says of a node seen from its nearest CPUs. `null` where it says nothing (or 0). */
export interface NodeAccess {
  readonly readBandwidthMBps: number | null;
  readonly writeBandwidthMBps: number | null;
  readonly readLatencyNs: number | null;
  readonly writeLatencyNs: number | null;
}

export interface NumaNode {
  /** The kernel's number; may leave gaps. */
  readonly os: number;
  readonly cpus: CpuSet;
  readonly memoryBytes: number | null;
  /** No online CPU belongs to it: high-bandwidth or far memory, mostly. */
  readonly memoryOnly: boolean;
  /**
   * The CPUs nearest to it: its own and those of the nodes that the firmware names, else those at the least distance; where these cut
   * through a package or a cache, all that is around. Empty for memory that is as far from all, and where none of them is allowed.
   */
  readonly localCpus: CpuSet;
  /** Relative latency to each entry of `nodes`, in that order; 10 is local. */
  readonly distances: readonly number[] | null;
  readonly access: NodeAccess | null;
  /** The kernel's memory tier: the lower, the faster. */
  readonly tier: number | null;
  readonly memorySideCaches: readonly MemorySideCache[];
  /** The package that holds all its local CPUs. */
  readonly package: number | null;
  /** Not in /sys: a machine without NUMA is given one node that holds everything. */
  readonly synthetic: boolean;
}

/** Cores of one speed. Index 0 is the slowest; a machine with equal cores has one. */
export interface CoreKind {
  readonly index: number;
  readonly cpus: CpuSet;
  readonly name: 'low-power' | 'efficiency' | 'performance' | null;
  /** What told them apart, and its value (kHz for frequencies). */
  readonly by: 'pmu' | 'cpu_capacity' | 'base_frequency' | 'max_frequency' | 'none';
  readonly value: number | null;
}

/** Linux numbers cache levels from 1; higher than this are not believed, as in hwloc. */
export const MAX_CACHE_LEVEL = 5;
export const MAX_INSTRUCTION_LEVEL = 3;

export type CacheKind = `L${1 | 2 | 3 | 4 | 5}${'d' | 'i' | ''}Cache`;

/** Names of hwloc: `L1d`, `L1i`, `L2`… A kind of which nothing is known is absent; 0 is none. */
export type TopologyKind =
  | 'Machine'
  | 'Package'
  | 'Die'
  | 'Cluster'
  | 'Core'
  | 'PU'
  | 'NUMANode'
  | 'MemCache'
  | CacheKind;

export interface TopologyData {
  /** `os`: only what `node:os` tells (no /sys here), so no cores, packages, nodes or caches. */
  readonly source: 'sysfs' | 'os';
  readonly model: string | null;
  readonly memoryBytes: number | null;
  readonly counts: Readonly<Partial<Record<TopologyKind, number>>>;
  readonly pus: readonly Pu[];
  readonly cores: readonly Core[];
  readonly clusters: readonly Cluster[];
  readonly groups: readonly Group[];
  readonly dies: readonly Die[];
  readonly packages: readonly Package[];
  readonly nodes: readonly NumaNode[];
  readonly caches: readonly Cache[];
  readonly kinds: readonly CoreKind[];
  readonly offlineCpus: CpuSet;
  /** Online, but outside this process's cpuset; left out of everything above unless asked for. */
  readonly disallowedCpus: CpuSet;
  readonly disallowedNodes: CpuSet;
  /** What was odd, and how it was read. */
  readonly notes: readonly string[];
}

/** `L1dCache`, `L2Cache`… */
export function cacheKind(cache: Pick<Cache, 'level' | 'type'>): CacheKind {
  const letter = cache.type === 'data' ? 'd' : cache.type === 'instruction' ? 'i' : '';
  return `L${cache.level}${letter}Cache` as CacheKind;
}
