/** The machine: what there is, what is near to what, and what this process may use of it. */
import { assemble } from './assembly.ts';
import { readCpuInfo } from './cpu-info.ts';
import { CPU_DIRECTORY, findCpus } from './cpus.ts';
import { readCpuset } from '../limits/cpuset.ts';
import { PlatformOptionError, TopologyUnavailableError } from '../errors.ts';
import type { FileSystem } from '../machine/file-system.ts';
import { checkFileSystem, nodeFileSystem } from '../machine/file-system.ts';
import { readGroups } from './groups.ts';
import { readHostTopology } from './host.ts';
import { readKinds } from './kinds.ts';
import { readMachineMemory } from './node-memory.ts';
import type { RawNode } from './nodes.ts';
import { readNodes } from './nodes.ts';
import { checkFlag, checkOptions } from '../options.ts';
import { shown } from '../shown.ts';
import { Sysfs } from '../machine/sysfs.ts';
import { drawTopology } from './text.ts';
import type { NumaNode, Pu, TopologyData } from './topology-data.ts';

const LISTS = [
  'pus',
  'cores',
  'clusters',
  'groups',
  'dies',
  'packages',
  'nodes',
  'caches',
  'kinds',
  'offlineCpus',
  'disallowedCpus',
  'disallowedNodes',
  'notes',
] as const;

export interface TopologyReadOptions {
  /** Where to read. Default: this machine. */
  readonly fs?: FileSystem;
  /** A directory with a captured `sys/` and `proc/`, instead of `fs`. */
  readonly root?: string;
  /** Also what is outside this process's cpuset. Default false, as in hwloc. */
  readonly disallowed?: boolean;
}

/**
 * Plain, frozen data with a few questions on top. `JSON.stringify(topology)`, or `topology.toJSON()` through `workerData`, and
 * `Topology.from(data)` give it back elsewhere.
 */
export class Topology implements TopologyData {
  readonly source: TopologyData['source'];
  readonly model: TopologyData['model'];
  readonly memoryBytes: TopologyData['memoryBytes'];
  readonly counts: TopologyData['counts'];
  readonly pus: TopologyData['pus'];
  readonly cores: TopologyData['cores'];
  readonly clusters: TopologyData['clusters'];
  readonly groups: TopologyData['groups'];
  readonly dies: TopologyData['dies'];
  readonly packages: TopologyData['packages'];
  readonly nodes: TopologyData['nodes'];
  readonly caches: TopologyData['caches'];
  readonly kinds: TopologyData['kinds'];
  readonly offlineCpus: TopologyData['offlineCpus'];
  readonly disallowedCpus: TopologyData['disallowedCpus'];
  readonly disallowedNodes: TopologyData['disallowedNodes'];
  readonly notes: TopologyData['notes'];
  readonly #data: TopologyData;
  readonly #pus: ReadonlyMap<number, Pu>;

  private constructor(data: TopologyData) {
    this.source = data.source;
    this.model = data.model;
    this.memoryBytes = data.memoryBytes;
    this.counts = data.counts;
    this.pus = data.pus;
    this.cores = data.cores;
    this.clusters = data.clusters;
    this.groups = data.groups;
    this.dies = data.dies;
    this.packages = data.packages;
    this.nodes = data.nodes;
    this.caches = data.caches;
    this.kinds = data.kinds;
    this.offlineCpus = data.offlineCpus;
    this.disallowedCpus = data.disallowedCpus;
    this.disallowedNodes = data.disallowedNodes;
    this.notes = data.notes;
    this.#data = data;
    this.#pus = new Map(data.pus.map((pu) => [pu.os, pu]));
    freeze(data);
    Object.freeze(this);
  }

  /**
   * Reads the machine. Synchronous: a few hundred small files. Files that are missing, malformed or contradictory are left out and
   * told in `notes`. Without `fs` and `root`, a machine that has no /sys answers with `source: 'os'`.
   * @throws TopologyUnavailableError where `fs` or `root` holds no CPUs.
   * @throws PlatformOptionError for both `fs` and `root`, and for options of other names or types.
   */
  static read(options: TopologyReadOptions = {}): Topology {
    checkOptions('Topology.read', options, ['fs', 'root', 'disallowed']);
    const { fs, root } = options;
    const disallowed = checkFlag('disallowed', options.disallowed, false);
    checkFileSystem(fs);
    if (root !== undefined && typeof root !== 'string')
      throw new PlatformOptionError('root', `must be a path, found ${shown(root)}`);
    if (fs !== undefined && root !== undefined) throw new PlatformOptionError('root', 'not together with fs');
    const data = readSysfsTopology(new Sysfs(fs ?? nodeFileSystem(root)), disallowed);
    if (data !== undefined) return new Topology(data);
    if (fs !== undefined || root !== undefined)
      throw new TopologyUnavailableError(
        [`${CPU_DIRECTORY}/online`, `${CPU_DIRECTORY}/cpu0`],
        root === undefined ? 'no online CPU' : `no online CPU in ${JSON.stringify(root)}`,
      );
    return new Topology(readHostTopology());
  }

  /**
   * From the data of another topology, as it came out of JSON or from another thread. The data is copied.
   * @throws PlatformOptionError for what lacks one of its lists
   */
  static from(data: TopologyData): Topology {
    const lacking =
      typeof data === 'object' && data !== null ? LISTS.find((name) => !Array.isArray(data[name])) : LISTS[0];
    if (lacking !== undefined)
      throw new PlatformOptionError('data', `no topology: no list of ${lacking} in ${shown(data)}`);
    return new Topology(structuredClone(data instanceof Topology ? data.toJSON() : data));
  }

  /** The PU with the kernel's number `cpu`; `undefined` where there is none, or it is offline or not allowed. */
  pu(cpu: number): Pu | undefined {
    return this.#pus.get(cpu);
  }

  /** The NUMA node with the kernel's number `node`. */
  node(node: number): NumaNode | undefined {
    return this.nodes.find(({ os }) => os === node);
  }

  /** The kernel's number of the NUMA node of a CPU; `null` where it has none, or is unknown here. */
  nodeOfCpu(cpu: number): number | null {
    return this.#pus.get(cpu)?.node ?? null;
  }

  /** Drawn as `lstopo` does in text. */
  toText(): string {
    return drawTopology(this);
  }

  toJSON(): TopologyData {
    return this.#data;
  }
}

function readSysfsTopology(sysfs: Sysfs, disallowed: boolean): TopologyData | undefined {
  const info = readCpuInfo(sysfs);
  const cpus = findCpus(sysfs, () => info);
  if (cpus === undefined) return undefined;
  const { levels, caches, hierarchy } = readGroups(sysfs, cpus.online, info);
  const { nodes, groups: distanceGroups } = readNodes(sysfs, cpus.online, info, hierarchy);
  const numbers = nodes.map(({ os }) => os);
  const allowedCpus = allowed(sysfs, 'cpus', cpus.online);
  const allowedMemory = allowed(sysfs, 'mems', numbers);
  return assemble({
    cpus,
    levels,
    caches,
    order: hierarchy.order(),
    distanceGroups,
    nodes,
    kinds: readKinds(sysfs, cpus.online, info),
    info,
    model: sysfs.text('/sys/class/dmi/id/product_name') ?? sysfs.text('/proc/device-tree/model') ?? null,
    memoryBytes: readMachineMemory(sysfs) ?? sum(nodes.map(({ memoryBytes }) => memoryBytes)),
    allowedCpus,
    allowedNodes:
      allowedMemory && new Set([...allowedMemory, ...withoutMemory(nodes, { allowedCpus, allowedMemory })]),
    disallowed,
    notes: sysfs.notes,
  });
}

/** A cpuset that leaves nothing cannot be this process's: it runs. */
function allowed(
  sysfs: Sysfs,
  what: 'cpus' | 'mems',
  present: readonly number[],
): ReadonlySet<number> | null {
  const cpuset = readCpuset(sysfs, what);
  if (cpuset === null) return null;
  const set = new Set(cpuset.set);
  if (present.some((number) => set.has(number))) return set;
  sysfs.note(`${cpuset.source} ignored: it allows nothing that is here`);
  return null;
}

/**
 * No cpuset can name a node without memory. One that leaves out no memory at all is taken to mean those too, as far as their CPUs
 * are allowed; hwloc takes them for forbidden.
 */
function withoutMemory(nodes: readonly RawNode[], { allowedCpus, allowedMemory }: Allowed): number[] {
  if (nodes.some(({ os, memoryBytes }) => memoryBytes !== 0 && !allowedMemory.has(os))) return [];
  return nodes
    .filter(({ memoryBytes, cpus }) => memoryBytes === 0 && cpus.some((cpu) => allowedCpus?.has(cpu) ?? true))
    .map(({ os }) => os);
}

interface Allowed {
  readonly allowedCpus: ReadonlySet<number> | null;
  readonly allowedMemory: ReadonlySet<number>;
}

function sum(values: readonly (number | null)[]): number | null {
  return values.reduce((total, value) => (total === null || value === null ? null : total + value), 0);
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const inner of Object.values(value)) freeze(inner);
}
