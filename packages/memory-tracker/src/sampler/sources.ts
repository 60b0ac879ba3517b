// Sources of the memory of this process, this thread, and what lives in it.
import { getHeapSpaceStatistics } from 'node:v8';
import type { MemorySource, SampledArena, SampledPool, SampledTracker } from './ports.ts';

/** `process.memoryUsage()`: the resident set of the process; the heap, external memory and array buffers of this thread. */
export function processMemory(): MemorySource {
  return {
    name: 'process',
    read: () => {
      const { rss, heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
      return { rss, heapUsed, heapTotal, external, arrayBuffers };
    },
  };
}

/** Used bytes of each space of this thread's heap: `heap.old_space` and so on. */
export function heapSpaces(): MemorySource {
  return {
    name: 'heap',
    read: () =>
      Object.fromEntries(getHeapSpaceStatistics().map((space) => [space.space_name, space.space_used_size])),
  };
}

/** Bytes allocated of an arena, and its size. */
export function arenaMemory(name: string, arena: SampledArena): MemorySource {
  return { name, read: () => ({ used: arena.usedBytes, total: arena.bytes }) };
}

/** Bytes of a pool's buffers, and of those that are in use, by their share. */
export function poolMemory(name: string, pool: SampledPool): MemorySource {
  return {
    name,
    read: () => {
      const { bytes, capacity, inUse } = pool.stats();
      return { total: bytes, used: capacity === 0 ? 0 : Math.round((bytes * inUse) / capacity) };
    },
  };
}

/** Bytes held by tag, and in all, of a tracker: a series a tag, that begins with the tag. */
export function trackerMemory(name: string, tracker: SampledTracker): MemorySource {
  return {
    name,
    read: () => {
      const { tags, totals } = tracker.read();
      const byTag = tags.map(({ tag, currentBytes }) => [`tag:${tag}`, currentBytes]);
      return { total: totals.currentBytes, ...Object.fromEntries(byTag) };
    },
  };
}
