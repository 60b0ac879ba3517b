// What the monitor and its checks need from outside, as interfaces of a few lines, and what Node offers of it.
import type { Clock } from '../ports.ts';

/** Time, and waking up later. */
export interface MonitorClock extends Clock {
  /** Calls back once, after `delayMs`. @returns what takes it back */
  after(delayMs: number, callback: () => void): () => void;
}

/** `performance`, and timers that keep no process alive. */
export const systemClock: MonitorClock = {
  now: () => performance.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** CPU time spent so far, in microseconds: what `process.cpuUsage`, `process.threadCpuUsage` and `worker.cpuUsage` give. */
export interface CpuUsage {
  readonly user: number;
  readonly system: number;
}

/** A figure, or null and the reason why there is none. */
export interface Figure<T> {
  readonly value: T | null;
  readonly source: string | null;
  readonly reason: string | null;
}

/** Memory against its limit, in bytes. `limits()` of @corelane/platform gives it, but for what can be reclaimed. */
export interface MemoryFigures {
  readonly memoryLimitBytes: Figure<number | 'unlimited'>;
  readonly memoryUsageBytes: Figure<number>;
  /** What is in use but would be given back before anything is killed: file cache that nobody has touched of late. */
  readonly memoryReclaimableBytes?: Figure<number>;
}

/** Switches of fibres so far: `stats().switches` of a fibre scheduler of @corelane/scheduler is one. */
export interface SwitchFigures {
  /** Those that were timed. */
  readonly samples: number;
  readonly averageNs: number | undefined;
}

/** What was recorded so far: a `Distribution` of this package is one. */
export interface RecordedFigures {
  readonly count: number;
  readonly sum: number;
  readonly max: number | null;
  buckets(): readonly { readonly le: number; readonly count: number }[];
}
