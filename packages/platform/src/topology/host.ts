/** The little that Node tells of a machine without /sys (macOS, Windows): how many CPUs, which model, how much memory. */
import os from 'node:os';
import { countKinds } from './counts.ts';
import type { TopologyData } from './topology-data.ts';

export function readHostTopology(): TopologyData {
  const cpus = os.cpus();
  const parallelism = os.availableParallelism();
  const data = {
    source: 'os' as const,
    model: cpus[0]?.model.trim() || null,
    memoryBytes: os.totalmem(),
    pus: Array.from({ length: cpus.length || parallelism }, (_, cpu) => ({
      os: cpu,
      core: null,
      cluster: null,
      die: null,
      package: null,
      node: null,
      caches: [],
      kind: null,
    })),
    cores: [],
    clusters: [],
    groups: [],
    dies: [],
    packages: [],
    nodes: [],
    caches: [],
    kinds: [],
    offlineCpus: [],
    disallowedCpus: [],
    disallowedNodes: [],
    notes: [
      `no /sys on ${process.platform}: ${cpus.length} CPUs by os.cpus(), ${parallelism} by os.availableParallelism();` +
        ' cores, packages, nodes and caches are not known',
    ],
  };
  return { ...data, counts: countKinds(data) };
}
