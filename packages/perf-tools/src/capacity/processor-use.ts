// Who used the processors of the machine between two moments: this process, others, nobody.
import { availableParallelism, cpus } from 'node:os';

/** Milliseconds of CPU time since some time ago. */
export interface ProcessorTimes {
  readonly nowMs: number;
  /** Of all threads of this process. */
  readonly ownMs: number;
  /** Of all processes, on all processors of the machine; null where the system does not say. */
  readonly allMs: number | null;
  /** Processors of the machine. */
  readonly machine: number;
  /** Those that this process may use. */
  readonly available: number;
}

/** Parts of the processors, from 0 to 1. */
export interface ProcessorUse {
  readonly durationMs: number;
  /** This process, of those that it may use. */
  readonly own: number;
  /** All other processes, of those of the machine; children of this process are others. Null where it is not known. */
  readonly foreign: number | null;
}

/** The system counts in steps of 10 ms a processor: within less than this, what others took would be anything. */
export const LEAST_MS = 100;

export function readProcessorTimes(): ProcessorTimes {
  const { user, system } = process.cpuUsage();
  const machine = cpus();
  const allMs = machine.reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
  return {
    nowMs: performance.now(),
    ownMs: (user + system) / 1000,
    allMs: allMs > 0 ? allMs : null,
    machine: machine.length,
    available: availableParallelism(),
  };
}

export function processorUse(before: ProcessorTimes, after: ProcessorTimes): ProcessorUse {
  const durationMs = after.nowMs - before.nowMs;
  const ownMs = after.ownMs - before.ownMs;
  const own = durationMs > 0 ? share(ownMs, durationMs * after.available) : 0;
  if (before.allMs === null || after.allMs === null || durationMs < LEAST_MS)
    return { durationMs, own, foreign: null };
  const foreignMs = after.allMs - before.allMs - ownMs;
  return { durationMs, own, foreign: share(foreignMs, durationMs * after.machine) };
}

function share(ms: number, ofMs: number): number {
  return Math.min(1, Math.max(0, ms / ofMs));
}
