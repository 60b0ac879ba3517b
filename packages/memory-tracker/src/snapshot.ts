// What `read()` returns: plain data that survives JSON; and the difference of two.
import type { WorkerState } from './table.ts';
import type { TagScope } from './tag-scope.ts';

export interface MemoryFigures {
  /** Bytes allocated in all. */
  readonly allocatedBytes: number;
  /** Bytes freed in all. */
  readonly freedBytes: number;
  readonly allocations: number;
  readonly deallocations: number;
  /** Allocations less deallocations. */
  readonly live: number;
}

export interface WorkerMemory extends MemoryFigures {
  readonly worker: number;
  /** Allocated less freed by this worker: below 0 where it frees what others allocate. */
  readonly netBytes: number;
  /** The most that `netBytes` has been since the last reset of the peaks, at least 0. */
  readonly peakBytes: number;
}

/** Limits of a tag and what came of them. Of a tag by worker they are limits of each worker. `null`: no limit. */
export interface TagBudget {
  readonly softBytes: number | null;
  readonly recoverBytes: number | null;
  readonly hardBytes: number | null;
  /** Above the soft limit, and not recovered since; of a tag by worker: a worker is above it. */
  readonly isAboveSoft: boolean;
  /** Times that the soft limit was crossed upwards. Modulo 2^31. */
  readonly softCrossings: number;
  /** Allocations that the hard limit has refused. Modulo 2^32. */
  readonly refusals: number;
}

export interface TagMemory extends MemoryFigures {
  readonly tag: string;
  readonly scope: TagScope;
  /**
   * Bytes held now, by all workers, with those in transit. Of a tag by worker, while they record, a sum of what each held at its own
   * moment: it may be above `peakBytes`, which is of one moment, and never above `peakBytesAtMost`.
   */
  readonly currentBytes: number;
  /**
   * The most bytes that were held at a time, by all workers together, since the last reset. Exact for a shared tag, where all three are
   * the same; of a tag by worker it is `peakBytesAtLeast`.
   */
  readonly peakBytes: number;
  /** The largest sum of one moment that any reader has seen, or the highest peak of a worker. */
  readonly peakBytesAtLeast: number;
  /** The sum of the peaks of the workers. */
  readonly peakBytesAtMost: number;
  /** Of a tag by worker: sent by one and not yet adopted by another. */
  readonly inTransitBytes: number;
  /** Null where no limit was set. */
  readonly budget: TagBudget | null;
  /** Workers that have recorded anything. */
  readonly byWorker: readonly WorkerMemory[];
}

export interface MemoryTotals extends MemoryFigures {
  readonly currentBytes: number;
  /** The sum of the tags' peaks: all tags together never held more, though perhaps less, as their peaks come at different times. */
  readonly peakBytesAtMost: number;
}

export interface MemorySnapshot {
  /** Milliseconds since 1970. */
  readonly takenAtMs: number;
  readonly tags: readonly TagMemory[];
  readonly totals: MemoryTotals;
  readonly workers: readonly WorkerState[];
}

/** Changes from one snapshot to a later one. */
export interface TagMemoryDiff extends MemoryFigures {
  readonly tag: string;
  readonly currentBytes: number;
  readonly peakBytes: number;
}

export interface MemoryDiff {
  readonly elapsedMs: number;
  /** Tags of which anything has changed. */
  readonly tags: readonly TagMemoryDiff[];
  readonly currentBytes: number;
  readonly live: number;
}

const FIGURES = ['allocatedBytes', 'freedBytes', 'allocations', 'deallocations', 'live'] as const;

export function sumFigures(all: readonly MemoryFigures[]): MemoryFigures {
  const sum = { allocatedBytes: 0, freedBytes: 0, allocations: 0, deallocations: 0, live: 0 };
  for (const each of all) for (const figure of FIGURES) sum[figure] += each[figure];
  return sum;
}

/** What has changed from `before` to `after`. A tag that was not there before held nothing. */
export function diffSnapshots(before: MemorySnapshot, after: MemorySnapshot): MemoryDiff {
  const earlier = new Map(before.tags.map((tag) => [tag.tag, tag]));
  const tags = after.tags
    .map((now) => {
      const then = earlier.get(now.tag);
      return {
        tag: now.tag,
        currentBytes: now.currentBytes - (then?.currentBytes ?? 0),
        peakBytes: now.peakBytes - (then?.peakBytes ?? 0),
        allocatedBytes: now.allocatedBytes - (then?.allocatedBytes ?? 0),
        freedBytes: now.freedBytes - (then?.freedBytes ?? 0),
        allocations: now.allocations - (then?.allocations ?? 0),
        deallocations: now.deallocations - (then?.deallocations ?? 0),
        live: now.live - (then?.live ?? 0),
      };
    })
    .filter((diff) => Object.values(diff).some((change) => typeof change === 'number' && change !== 0));
  return {
    elapsedMs: after.takenAtMs - before.takenAtMs,
    tags,
    currentBytes: after.totals.currentBytes - before.totals.currentBytes,
    live: after.totals.live - before.totals.live,
  };
}
