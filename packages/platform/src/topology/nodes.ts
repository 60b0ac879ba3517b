/** NUMA nodes: their CPUs, memory, distances, and what is near to them. */
import type { CpuInfo } from './cpu-info.ts';
import type { CpuSet } from '../machine/cpu-set.ts';
import { groupByDistance } from './distance-groups.ts';
import type { Hierarchy } from './hierarchy.ts';
import { nearCpus, NODE_DIRECTORY } from './node-locality.ts';
import {
  memoryOf,
  readMachineMemory,
  readMemorySideCaches,
  readNodeAccess,
  readTiers,
} from './node-memory.ts';
import type { Sysfs } from '../machine/sysfs.ts';
import type { NumaNode } from './topology-data.ts';

/** Linux can be built for 1024. */
const MAX_NODES = 4096;

export type RawNode = Omit<NumaNode, 'package' | 'distances'> & {
  /** To every node that the kernel has online, dropped ones too. */
  readonly distanceTo: ReadonlyMap<number, number> | null;
};

export interface FoundNodes {
  /** By ascending number. Never empty: a machine without NUMA has one, as in hwloc. */
  readonly nodes: readonly RawNode[];
  /** CPUs of nodes that are nearer to each other than to the rest. */
  readonly groups: readonly CpuSet[];
}

export function readNodes(sysfs: Sysfs, online: CpuSet, info: CpuInfo, hierarchy: Hierarchy): FoundNodes {
  const numbers = nodeNumbers(sysfs);
  const isFake = /\bnuma=fake=/.test(sysfs.text('/proc/cmdline') ?? '');
  const cpusOf = readNodeCpus(sysfs, numbers, online, isFake);
  const gpus = readGpuNodes(sysfs);
  if (info.power) {
    for (const node of gpus.keys())
      if (cpusOf.delete(node)) sysfs.note(`node ${node} ignored: it is the memory of a GPU`);
  }
  if (cpusOf.size === 0) return { nodes: [synthesize(sysfs, online, numbers.length)], groups: [] };

  const tiers = readTiers(sysfs);
  const distances = new Map(numbers.map((node) => [node, readDistances(sysfs, node, numbers)]));
  const near = nearCpus(sysfs, { numbers, cpusOf, gpus, distances, online, followFirmware: !isFake });
  const home = new Map<number, CpuSet>();
  // Nodes with CPUs find their place first, as in hwloc.
  for (const hasCpus of [true, false])
    for (const [os, cpus] of near.placed)
      if (near.hadCpus.has(os) === hasCpus) home.set(os, place(sysfs, hierarchy, os, cpus));
  const groups: CpuSet[] = [];
  const known = [...cpusOf.keys()];
  if (numbers.every((node) => distances.get(node)))
    groupByDistance(
      {
        cpus: known.map((node) => near.placed.get(node) ?? []),
        rows: known.map((node) => known.map((other) => distances.get(node)?.get(other) ?? 0)),
      },
      (cpus) => {
        const answer = hierarchy.insert(cpus, 'distance');
        if (answer === 'new') groups.push(cpus);
        return answer !== 'overlap';
      },
    );
  const nodes = [...cpusOf].map(([os, cpus]) => {
    const directory = `${NODE_DIRECTORY}/node${os}`;
    return {
      os,
      cpus,
      memoryOnly: cpus.length === 0,
      memoryBytes: memoryOf(sysfs, directory),
      localCpus: home.get(os) ?? [],
      distanceTo: distances.get(os) ?? null,
      access: readNodeAccess(sysfs, directory),
      tier: tiers.get(os) ?? null,
      memorySideCaches: isFake ? [] : readMemorySideCaches(sysfs, directory),
      synthetic: false,
    };
  });
  return { nodes, groups };
}

/** What is near to a node must fit into the tree; where it cuts through a package or a cache, the next larger thing is near. */
function place(sysfs: Sysfs, hierarchy: Hierarchy, node: number, cpus: CpuSet): CpuSet {
  if (cpus.length === 0) return cpus;
  if (hierarchy.insert(cpus, 'node') !== 'overlap') return cpus;
  const wider = hierarchy.covering(cpus);
  sysfs.note(
    `node ${node}: its ${cpus.length} CPUs overlap with other groups; near to it are all ${wider.length} around`,
  );
  return wider;
}

function nodeNumbers(sysfs: Sysfs): readonly number[] {
  const present = sysfs.numbered(NODE_DIRECTORY, 'node', MAX_NODES);
  const online = sysfs.list(`${NODE_DIRECTORY}/online`);
  if (online === undefined || online.length === 0) return present;
  const missing = online.filter((node) => !present.includes(node));
  if (missing.length > 0)
    sysfs.note(`nodes ${missing.slice(0, 20).join(',')} are online but have no directory: ignored`);
  return online.filter((node) => present.includes(node));
}

/**
 * The CPUs of each node that can be believed. Firmware that gives a CPU to several nodes is not: the first one keeps it. Nodes
 * that were cut out of real ones for a test (`numa=fake=` on the kernel's command line) do share their CPUs.
 */
function readNodeCpus(
  sysfs: Sysfs,
  numbers: readonly number[],
  online: CpuSet,
  mayOverlap: boolean,
): Map<number, CpuSet> {
  const isOnline = new Set(online);
  const taken = new Set<number>();
  const cpusOf = new Map<number, CpuSet>();
  for (const node of numbers) {
    const cpus = sysfs.set(`${NODE_DIRECTORY}/node${node}`, 'cpumap', 'cpulist');
    if (cpus === undefined) {
      sysfs.note(`node ${node} ignored: neither cpumap nor cpulist can be read`);
    } else if (!mayOverlap && cpus.some((cpu) => taken.has(cpu))) {
      sysfs.note(`node ${node} ignored: its CPUs belong to an earlier node as well`);
    } else {
      for (const cpu of cpus) taken.add(cpu);
      cpusOf.set(
        node,
        cpus.filter((cpu) => isOnline.has(cpu)),
      );
    }
  }
  return cpusOf;
}

/**
 * The memory of NVIDIA GPUs that shows up as nodes: PCI name by node. On POWER nothing of the program should land there by chance,
 * so those are left out; elsewhere they are near to the CPUs of the GPU.
 */
function readGpuNodes(sysfs: Sysfs): Map<number, string> {
  const nodes = new Map<number, string>();
  const directory = '/proc/driver/nvidia/gpus';
  for (const gpu of sysfs.names(directory)) {
    const node = /Node:\s*([0-9]{1,6})/.exec(sysfs.text(`${directory}/${gpu}/numa_status`) ?? '')?.[1];
    if (node !== undefined) nodes.set(Number(node), gpu);
  }
  return nodes;
}

/** The file holds one number for each online node, in ascending order, gaps closed up. */
function readDistances(sysfs: Sysfs, node: number, numbers: readonly number[]): Map<number, number> | null {
  const path = `${NODE_DIRECTORY}/node${node}/distance`;
  const text = sysfs.text(path);
  if (text === undefined) return null;
  const values = text.split(/\s+/);
  if (values.length !== numbers.length || !values.every((value) => /^[0-9]{1,6}$/.test(value))) {
    sysfs.note(`${path} ignored: ${values.length} values for ${numbers.length} nodes, or not all numbers`);
    return null;
  }
  return new Map(numbers.map((other, index) => [other, Number(values[index])]));
}

function synthesize(sysfs: Sysfs, online: CpuSet, ignored: number): RawNode {
  sysfs.note(
    ignored > 0
      ? `none of the ${ignored} nodes could be read: one node holds everything`
      : `no nodes in ${NODE_DIRECTORY}: one node holds everything`,
  );
  return {
    os: 0,
    cpus: online,
    memoryOnly: false,
    memoryBytes: readMachineMemory(sysfs),
    localCpus: online,
    distanceTo: null,
    access: null,
    tier: null,
    memorySideCaches: [],
    synthetic: true,
  };
}
