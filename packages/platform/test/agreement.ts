/** Objects as lines of text, so that hwloc's and ours can be compared: kind, kernel's number, CPUs. */
import type { Topology } from '../src/index.ts';
import { cacheKind } from '../src/index.ts';
import type { Found } from './hwloc-output.ts';

export function describeFound({ kind, os, cpus }: Found): string {
  return `${kind} ${kind.endsWith('Cache') ? '' : os} ${cpus.join()}`;
}

export function describeOurs(topology: Topology, kinds: ReadonlySet<string>): string[] {
  const { pus, cores, dies, packages, nodes, caches, clusters } = topology;
  const groups = [
    ...pus.map(({ os }) => ['PU', os, [os]] as const),
    ...cores.map(({ os, cpus }) => ['Core', os, cpus] as const),
    ...clusters.map(({ os, cpus }) => ['Cluster', os, cpus] as const),
    ...dies.map(({ os, cpus }) => ['Die', os, cpus] as const),
    ...packages.map(({ os, cpus }) => ['Package', os, cpus] as const),
    ...caches.map((cache) => [cacheKind(cache), '', cache.cpus] as const),
  ].map(([kind, os, cpus]) => [kind, `${kind} ${os} ${cpus.join()}`] as const);
  const places = nodes.map(
    ({ os, localCpus }) => ['NUMANode', `NUMANode ${os} ${localCpus.join()}`] as const,
  );
  return [...groups, ...places].filter(([kind]) => kinds.has(kind)).map(([, text]) => text);
}

export function cacheOf(topology: Topology, { kind, cpus }: Found): Topology['caches'][number] | undefined {
  return topology.caches.find((cache) => cacheKind(cache) === kind && cache.cpus.join() === cpus.join());
}
