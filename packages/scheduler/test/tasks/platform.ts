// A machine with two nodes of four CPUs, on which a thread begins on CPU 5, and CPU 7 is not to be had: what `platform` says of others.
import type { PlatformAnswer } from '../../src/thread/index.ts';

const NODES = [
  [0, 1, 2, 3],
  [4, 5, 6, 7],
];

export const Topology = {
  read: () => ({
    node: (node: number) => (NODES[node] === undefined ? undefined : { cpus: NODES[node] }),
    nodeOfCpu: (cpu: number) => NODES.findIndex((cpus) => cpus.includes(cpu)),
  }),
};

export function affinity(): PlatformAnswer<readonly number[]> {
  return { status: 'verified', value: NODES.flat() };
}

export function currentCpu(): PlatformAnswer<{ readonly cpu: number }> {
  return { status: 'verified', value: { cpu: 5 } };
}

export function setAffinity(cpus: Iterable<number>): PlatformAnswer<readonly number[]> {
  const value = [...cpus];
  return value.includes(7)
    ? { status: 'refused', reason: 'CPU 7 is not to be had' }
    : { status: 'verified', value };
}
