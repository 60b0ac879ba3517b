/** Which CPUs are near to each node: its own, those that the firmware names, those at the least distance. Decided as hwloc does. */
import type { CpuSet } from '../machine/cpu-set.ts';
import { ascending } from '../machine/cpu-set.ts';
import type { Sysfs } from '../machine/sysfs.ts';

export const NODE_DIRECTORY = '/sys/devices/system/node';
const MAX_INITIATORS = 4096;

export interface LocalityQuestion {
  /** Every node that is online. */
  readonly numbers: readonly number[];
  /** Of the nodes that are kept. */
  readonly cpusOf: ReadonlyMap<number, CpuSet>;
  /** PCI name by node. */
  readonly gpus: ReadonlyMap<number, string>;
  readonly distances: ReadonlyMap<number, ReadonlyMap<number, number> | null>;
  readonly online: CpuSet;
  /** Not on machines whose nodes are made up: the firmware knows nothing of those. */
  readonly followFirmware: boolean;
}

export interface Locality {
  /** By node. No CPU: as far from all. */
  readonly placed: ReadonlyMap<number, CpuSet>;
  /** Nodes that had CPUs before anyone was asked. */
  readonly hadCpus: ReadonlySet<number>;
}

export function nearCpus(sysfs: Sysfs, question: LocalityQuestion): Locality {
  const { cpusOf, gpus, online } = question;
  const placed = new Map(cpusOf);
  for (const [node, gpu] of gpus) if (placed.has(node)) placed.set(node, gpuCpus(sysfs, gpu, online));
  const hadCpus = new Set([...placed].filter(([, cpus]) => cpus.length > 0).map(([node]) => node));

  // In this order: what is found for one node counts for the next.
  const initiators = (node: number): void => {
    if (!question.followFirmware) return;
    const named = readInitiators(sysfs, node).flatMap((other) => [...(placed.get(other) ?? [])]);
    if (named.length > 0) placed.set(node, union(placed.get(node) ?? [], named));
  };
  for (const node of hadCpus) initiators(node);
  for (const node of placed.keys()) {
    if (hadCpus.has(node)) continue;
    initiators(node);
    if (placed.get(node)?.length !== 0) continue;
    const cpus = nearestNodes(node, question).flatMap((other) => [...(placed.get(other) ?? [])]);
    if (cpus.length > 0) placed.set(node, union([], cpus));
  }
  return { placed, hadCpus };
}

/** access1 knows of CPUs alone, access0 of GPUs and network cards as well. */
function readInitiators(sysfs: Sysfs, node: number): number[] {
  for (const access of ['access1', 'access0']) {
    const directory = `${NODE_DIRECTORY}/node${node}/${access}/initiators`;
    if (sysfs.exists(directory))
      return sysfs.numbered(directory, 'node', MAX_INITIATORS).filter((other) => other !== node);
  }
  return [];
}

/** Other nodes at the least distance, where not all are alike; believed only if every node tells its distances. */
function nearestNodes(node: number, { numbers, cpusOf, distances }: LocalityQuestion): number[] {
  const own = distances.get(node);
  if (!own || numbers.some((other) => !distances.get(other))) return [];
  const others = numbers.filter((other) => other !== node && cpusOf.has(other));
  const far = (other: number): number => own.get(other) ?? Infinity;
  const least = Math.min(...others.map(far));
  const nearest = others.filter((other) => far(other) === least);
  if (nearest.length === numbers.length - 1 || least <= (own.get(node) ?? 0)) return [];
  return nearest;
}

function gpuCpus(sysfs: Sysfs, gpu: string, online: CpuSet): CpuSet {
  const local = new Set(sysfs.map(`/sys/bus/pci/devices/${gpu}/local_cpus`));
  return online.filter((cpu) => local.has(cpu));
}

function union(a: CpuSet, b: CpuSet): CpuSet {
  return [...new Set([...a, ...b])].toSorted(ascending);
}
