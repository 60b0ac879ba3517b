/** NUMA nodes: their CPUs, memory, distances, and where nodes without CPUs belong. */
import type { CpuInfo } from './cpu-info.ts';
import type { CpuSet } from './cpu-set.ts';
import { ascending } from './cpu-set.ts';
import { readMemorySideCaches, readNodeAccess, readTiers } from './node-memory.ts';
import type { Sysfs } from './sysfs.ts';
import type { NumaNode } from './topology-data.ts';

const NODE_DIRECTORY = '/sys/devices/system/node';
/** Linux can be built for 1024. */
const MAX_NODES = 4096;

export type RawNode = Omit<NumaNode, 'package' | 'distances'> & {
  /** To every node that the kernel has online, dropped ones too. */
  readonly distanceTo: ReadonlyMap<number, number> | null;
};

/** Nodes by ascending number. Never empty: a machine without NUMA has one, as in hwloc. */
export function readNodes(sysfs: Sysfs, online: CpuSet, info: CpuInfo): RawNode[] {
  const numbers = nodeNumbers(sysfs);
  const cpusOf = readNodeCpus(sysfs, numbers, online, info);
  if (cpusOf.size === 0) return [synthesize(sysfs, online, numbers.length)];

  const tiers = readTiers(sysfs);
  const distances = new Map(numbers.map((node) => [node, readDistances(sysfs, node, numbers)]));
  const nodes: RawNode[] = [];
  for (const [os, cpus] of cpusOf) {
    const directory = `${NODE_DIRECTORY}/node${os}`;
    const distanceTo = distances.get(os) ?? null;
    nodes.push({
      os,
      cpus,
      memoryOnly: cpus.length === 0,
      memoryBytes: memoryOf(sysfs, directory),
      localCpus: cpus.length > 0 ? cpus : nearestCpus(sysfs, directory, cpusOf, distanceTo),
      distanceTo,
      access: readNodeAccess(sysfs, directory),
      tier: tiers.get(os) ?? null,
      memorySideCaches: readMemorySideCaches(sysfs, directory),
      synthetic: false,
    });
  }
  return nodes;
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

/** The CPUs of each node that can be believed. Firmware that gives a CPU to several nodes is not: the first one keeps it. */
function readNodeCpus(
  sysfs: Sysfs,
  numbers: readonly number[],
  online: CpuSet,
  info: CpuInfo,
): Map<number, CpuSet> {
  const isOnline = new Set(online);
  const taken = new Set<number>();
  const gpuMemory = info.power ? readGpuNodes(sysfs) : new Set<number>();
  const cpusOf = new Map<number, CpuSet>();
  for (const node of numbers) {
    const cpus = sysfs.set(`${NODE_DIRECTORY}/node${node}`, 'cpumap', 'cpulist');
    if (cpus === undefined) {
      sysfs.note(`node ${node} ignored: neither cpumap nor cpulist can be read`);
    } else if (cpus.some((cpu) => taken.has(cpu))) {
      sysfs.note(`node ${node} ignored: its CPUs belong to an earlier node as well`);
    } else if (gpuMemory.has(node)) {
      sysfs.note(`node ${node} ignored: it is the memory of a GPU`);
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

/** POWER shows the memory of NVIDIA GPUs as nodes; nothing of the program should land there by chance. */
function readGpuNodes(sysfs: Sysfs): Set<number> {
  const nodes = new Set<number>();
  const directory = '/proc/driver/nvidia/gpus';
  for (const gpu of sysfs.names(directory)) {
    const node = /Node:\s*([0-9]{1,6})/.exec(sysfs.text(`${directory}/${gpu}/numa_status`) ?? '')?.[1];
    if (node !== undefined) nodes.add(Number(node));
  }
  return nodes;
}

function memoryOf(sysfs: Sysfs, directory: string): number | null {
  const kib = /MemTotal:\s*([0-9]{1,15}) kB/.exec(sysfs.text(`${directory}/meminfo`) ?? '')?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

export function readMachineMemory(sysfs: Sysfs): number | null {
  return memoryOf(sysfs, '/proc');
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

/** Of a node without CPUs: those that the firmware names as nearest, else those at the least distance, where not all are alike. */
function nearestCpus(
  sysfs: Sysfs,
  directory: string,
  cpusOf: ReadonlyMap<number, CpuSet>,
  distanceTo: ReadonlyMap<number, number> | null,
): CpuSet {
  // access1 knows of CPUs alone, access0 of GPUs and network cards as well.
  for (const access of ['access1', 'access0']) {
    const initiators = sysfs.numbered(`${directory}/${access}/initiators`, 'node', MAX_NODES);
    const cpus = initiators.flatMap((node) => [...(cpusOf.get(node) ?? [])]);
    if (cpus.length > 0) return cpus.toSorted(ascending);
  }
  const candidates = [...cpusOf].filter(([, cpus]) => cpus.length > 0);
  const distances = candidates.map(([node]) => distanceTo?.get(node) ?? Number.NaN);
  const least = Math.min(...distances);
  return candidates
    .filter((_, index) => distances[index] === least)
    .flatMap(([, cpus]) => [...cpus])
    .toSorted(ascending);
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
