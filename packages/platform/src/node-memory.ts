/** What kind of memory a node has: its speed from the firmware's tables, its tier, caches in front of it. */
import type { Sysfs } from './sysfs.ts';
import type { MemorySideCache, NodeAccess } from './topology-data.ts';

const TIER_DIRECTORY = '/sys/devices/virtual/memory_tiering';
const MAX_TIER = 100_000;
const MAX_SIDE_CACHES = 16;

/** Seen from the nearest CPUs. The kernel writes 0 for what the firmware left out. */
export function readNodeAccess(sysfs: Sysfs, nodeDirectory: string): NodeAccess | null {
  for (const name of ['access1', 'access0']) {
    const directory = `${nodeDirectory}/${name}/initiators`;
    if (!sysfs.exists(directory)) continue;
    const value = (file: string): number | null => sysfs.natural(`${directory}/${file}`) || null;
    const access: NodeAccess = {
      readBandwidthMBps: value('read_bandwidth'),
      writeBandwidthMBps: value('write_bandwidth'),
      readLatencyNs: value('read_latency'),
      writeLatencyNs: value('write_latency'),
    };
    if (Object.values(access).some((found) => found !== null)) return access;
  }
  return null;
}

/** Tier by node; empty on kernels before 6.1. */
export function readTiers(sysfs: Sysfs): Map<number, number> {
  const tiers = new Map<number, number>();
  for (const tier of sysfs.numbered(TIER_DIRECTORY, 'memory_tier', MAX_TIER))
    for (const node of sysfs.list(`${TIER_DIRECTORY}/memory_tier${tier}/nodelist`) ?? [])
      tiers.set(node, tier);
  return tiers;
}

export function readMemorySideCaches(sysfs: Sysfs, nodeDirectory: string): MemorySideCache[] {
  const directory = `${nodeDirectory}/memory_side_cache`;
  return sysfs.numbered(directory, 'index', MAX_SIDE_CACHES).flatMap((level) => {
    const sizeBytes = sysfs.natural(`${directory}/index${level}/size`);
    // hwloc asks for a size too: without one there is nothing there.
    if (sizeBytes === undefined) return [];
    return [
      {
        level,
        sizeBytes: sizeBytes || null,
        lineBytes: sysfs.natural(`${directory}/index${level}/line_size`) || null,
      },
    ];
  });
}
