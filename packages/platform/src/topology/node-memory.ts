/** What kind of memory a node has: its speed from the firmware's tables, its tier, caches in front of it. */
import type { Sysfs } from '../machine/sysfs.ts';
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

/** `MemTotal` of a node's directory, or of /proc. */
export function memoryOf(sysfs: Sysfs, directory: string): number | null {
  const kib = /MemTotal:\s*([0-9]{1,15}) kB/.exec(sysfs.text(`${directory}/meminfo`) ?? '')?.[1];
  return kib === undefined ? null : Number(kib) * 1024;
}

export function readMachineMemory(sysfs: Sysfs): number | null {
  return memoryOf(sysfs, '/proc');
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
    const value = (name: string): number | undefined => sysfs.natural(`${directory}/index${level}/${name}`);
    const sizeBytes = value('size');
    const lineBytes = value('line_size');
    // The kernel writes all three; hwloc takes less for no cache.
    const indexing = value('indexing');
    if (sizeBytes === undefined || lineBytes === undefined || indexing === undefined) return [];
    // 0 is direct-mapped; what else there is does not tell how many ways.
    return [
      { level, sizeBytes: sizeBytes || null, lineBytes: lineBytes || null, ways: indexing === 0 ? 1 : null },
    ];
  });
}
