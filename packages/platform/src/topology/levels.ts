/** Cores, clusters, dies, packages and, on s390, books and drawers: what each CPU says of itself in `cpuN/topology`. */
import type { CpuInfo } from './cpu-info.ts';
import { CPU_DIRECTORY } from './cpus.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import type { Sysfs } from '../machine/sysfs.ts';

/** A group as found, over all online CPUs, before any restriction. */
export interface RawGroup {
  /** The kernel's number. */
  readonly os: number | null;
  readonly cpus: CpuSet;
}

export type LevelName = 'core' | 'cluster' | 'die' | 'package' | 'book' | 'drawer';

export interface Claim extends RawGroup {
  readonly level: LevelName;
}

/** Names of the sets, those of kernels since 5.2 first, maps before lists. */
const SETS: Record<LevelName, readonly string[]> = {
  core: ['core_cpus', 'thread_siblings', 'core_cpus_list', 'thread_siblings_list'],
  cluster: ['cluster_cpus', 'cluster_cpus_list'],
  die: ['die_cpus', 'die_cpus_list'],
  package: ['package_cpus', 'core_siblings', 'package_cpus_list', 'core_siblings_list'],
  book: ['book_siblings', 'book_siblings_list'],
  drawer: ['drawer_siblings', 'drawer_siblings_list'],
};
const NUMBERS: Record<LevelName, string> = {
  core: 'core_id',
  cluster: 'cluster_id',
  die: 'die_id',
  package: 'physical_package_id',
  book: 'book_id',
  drawer: 'drawer_id',
};

/**
 * Groups that a CPU speaks for, that is, of which it is the lowest. As hwloc does it, a CPU that is not the lowest of its core is
 * not asked about anything larger, and so on upwards: files are slow, and half of them would be read in vain.
 */
export class Levels {
  readonly #sysfs: Sysfs;
  readonly #info: CpuInfo;
  readonly #cpus: CpuSet;
  readonly #online: ReadonlySet<number>;
  /** Families 15h and 16h of AMD; decided by the first core with siblings. */
  #siblingsAreCores: boolean | undefined;
  readonly #peersOf: Partial<Record<LevelName, Map<string, number[]>>> = {};
  readonly #byNumbers: boolean;

  constructor(sysfs: Sysfs, cpus: CpuSet, info: CpuInfo) {
    this.#sysfs = sysfs;
    this.#info = info;
    this.#cpus = cpus;
    this.#online = new Set(cpus);
    if (!info.amdComputeUnits) this.#siblingsAreCores = false;
    this.#byNumbers = !cpus.some(
      (cpu) => this.#readSet(cpu, 'core') !== undefined || this.#readSet(cpu, 'package') !== undefined,
    );
  }

  /** In the order in which hwloc takes them, which decides where they contradict each other. */
  claims(cpu: number): Claim[] {
    const claims: Claim[] = [];
    const add = (level: LevelName, cpus: CpuSet): void => {
      claims.push({ level, os: this.#number(cpu, level), cpus });
    };
    const core = this.#set(cpu, 'core');
    const speaksForCore = core === undefined || core[0] === cpu;
    const alone = core !== undefined && this.#areCores(cpu, core);
    if (alone) add('core', [cpu]);
    else if (core !== undefined && speaksForCore) add('core', core);
    if (speaksForCore) this.#above(cpu, alone ? [cpu] : core, add);
    if (this.#info.s390) {
      // Only where they have a number: the sets are there on machines without books, too.
      for (const level of ['book', 'drawer'] as const) {
        const set = this.#set(cpu, level);
        if (set?.[0] === cpu && this.#number(cpu, level) !== null) add(level, set);
      }
    }
    return claims;
  }

  /** What the CPU shares its core with; a cache without a set of its own is taken to be the core's. */
  coreOf(cpu: number): CpuSet | undefined {
    return this.#set(cpu, 'core');
  }

  #above(cpu: number, core: CpuSet | undefined, add: (level: LevelName, cpus: CpuSet) => void): void {
    // A cluster or die of one CPU is the default of a processor that knows of none.
    const cluster = unlessAlone(this.#set(cpu, 'cluster'));
    if (cluster !== undefined && cluster[0] !== cpu) return;
    const die = unlessAlone(this.#set(cpu, 'die'));
    const package_ = die === undefined || die[0] === cpu ? this.#set(cpu, 'package') : undefined;
    const isNew = (set: CpuSet | undefined, ...others: (CpuSet | undefined)[]): set is CpuSet =>
      set?.[0] === cpu && !others.some((other) => other !== undefined && same(set, other));
    if (package_?.[0] === cpu) add('package', package_);
    if (isNew(cluster, core, die, package_)) add('cluster', cluster);
    if (isNew(die, package_)) add('die', die);
  }

  #areCores(cpu: number, siblings: CpuSet): boolean {
    if (this.#siblingsAreCores === undefined && siblings.length > 1) {
      const other = siblings.find((sibling) => sibling !== cpu) ?? cpu;
      this.#siblingsAreCores = this.#number(cpu, 'core') !== this.#number(other, 'core');
    }
    return this.#siblingsAreCores ?? true; // alone so far, which is a core of its own either way
  }

  #set(cpu: number, level: LevelName): CpuSet | undefined {
    const claimed = this.#byNumbers ? this.#peers(cpu, level) : this.#readSet(cpu, level);
    return claimed?.every((other) => this.#online.has(other))
      ? claimed
      : claimed?.filter((other) => this.#online.has(other));
  }

  #readSet(cpu: number, level: LevelName): CpuSet | undefined {
    return this.#sysfs.set(topologyOf(cpu), ...SETS[level]);
  }

  #number(cpu: number, level: LevelName): number | null {
    const number = this.#sysfs.natural(`${topologyOf(cpu)}/${NUMBERS[level]}`);
    if (number !== undefined) return number;
    if (!this.#byNumbers) return null;
    if (level === 'package') return this.#info.packageIds.get(cpu) ?? null;
    return level === 'core' ? (this.#info.coreIds.get(cpu) ?? null) : null;
  }

  /** Where no CPU has any set, but numbers here or in /proc/cpuinfo: the CPUs with the same numbers. */
  #peers(cpu: number, level: LevelName): CpuSet | undefined {
    if (level !== 'core' && level !== 'package') return undefined;
    const key = (other: number): string => {
      const id = this.#number(other, level);
      return id === null ? '' : `${level === 'core' ? (this.#number(other, 'package') ?? '') : ''}:${id}`;
    };
    const peers = (this.#peersOf[level] ??= Map.groupBy(this.#cpus, key));
    return key(cpu) === '' ? undefined : peers.get(key(cpu));
  }
}

function topologyOf(cpu: number): string {
  return `${CPU_DIRECTORY}/cpu${cpu}/topology`;
}

function unlessAlone(set: CpuSet | undefined): CpuSet | undefined {
  return set?.length === 1 ? undefined : set;
}

function same(a: CpuSet, b: CpuSet): boolean {
  return a === b || (a.length === b.length && a.every((cpu, index) => cpu === b[index]));
}
