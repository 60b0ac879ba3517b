/** Counts by kind, by hwloc's names. */
import type { TopologyData, TopologyKind } from './topology-data.ts';
import { cacheKind } from './topology-data.ts';

export function countKinds(data: Omit<TopologyData, 'counts'>): TopologyData['counts'] {
  const counts: Partial<Record<TopologyKind, number>> = { Machine: 1 };
  // No package and no core at all means that the kernel did not tell: absent, not 0.
  if (data.packages.length > 0) counts.Package = data.packages.length;
  if (data.cores.length > 0) {
    counts.Die = data.dies.length;
    counts.Cluster = data.clusters.length;
    counts.Core = data.cores.length;
  }
  counts.PU = data.pus.length;
  if (data.source === 'sysfs') {
    counts.NUMANode = data.nodes.length;
    counts.MemCache = data.nodes.reduce((sum, node) => sum + node.memorySideCaches.length, 0);
  }
  for (const cache of data.caches) counts[cacheKind(cache)] = (counts[cacheKind(cache)] ?? 0) + 1;
  return counts;
}
