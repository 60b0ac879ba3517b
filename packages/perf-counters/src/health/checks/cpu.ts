// How much of the CPU time that this process may use it has used.
import { availableParallelism } from 'node:os';
import { cgroupCpus, readText, type ReadText } from '../cgroup.ts';
import { CHECK_OPTIONS, type CheckOptions, type HealthCheck } from '../check.ts';
import type { Measured } from '../measurement.ts';
import { ArgumentRangeError, aFunction, onlyKnown } from '../option-checks.ts';
import type { CpuUsage } from '../ports.ts';

export interface CpuCheckOptions extends CheckOptions {
  /** `process.cpuUsage` by default; of one thread: `() => process.threadCpuUsage()`, `() => worker.cpuUsage()`. */
  readonly usage?: () => CpuUsage | Promise<CpuUsage>;
  /** CPUs that make a share of 1: by default those that the process may run on, or the quota of its cgroup where that is less. Give 1 for the usage of one thread. */
  readonly cpus?: number;
}

/** A shorter time is not measured well: the kernel counts in ticks. Guessed. */
const LEAST_MS = 5;

/** Check `cpu`, a ratio; warns above 0.95. @throws ArgumentRangeError */
export function cpuCheck(options: CpuCheckOptions = {}): HealthCheck {
  onlyKnown('option of cpuCheck', options, [...CHECK_OPTIONS, 'usage', 'cpus']);
  const { usage = () => process.cpuUsage(), cpus = cpusHere(), name = 'cpu', warn = 0.95, ...rest } = options;
  aFunction('usage', usage);
  if (!(Number.isFinite(cpus) && cpus > 0)) throw new ArgumentRangeError('cpus', cpus, 'a positive number');
  let before: { readonly atMs: number; readonly usedUs: number } | undefined;
  const account = ({ user, system }: CpuUsage, nowMs: number): Measured => {
    const now = { atMs: nowMs, usedUs: user + system };
    const tookMs = before === undefined ? 0 : now.atMs - before.atMs;
    if (before !== undefined && tookMs < LEAST_MS)
      return { pending: `only ${tookMs.toFixed(1)} ms have passed` };
    const usedMs = before === undefined ? 0 : (now.usedUs - before.usedUs) / 1000;
    before = now;
    if (tookMs === 0) return { pending: 'counted from here' };
    return { value: usedMs / tookMs / cpus, detail: `of ${cpus} CPUs, in ${Math.round(tookMs)} ms` };
  };
  return {
    ...rest,
    name,
    warn,
    unit: 'ratio',
    begin: (nowMs) => {
      // What can not be had now is said when it is measured, and counted from there.
      try {
        const used = usage();
        if (isLater(used)) used.then((later) => account(later, nowMs)).catch(() => undefined);
        else account(used, nowMs);
      } catch {
        before = undefined;
      }
    },
    measure: ({ nowMs }) => {
      const used = usage();
      return isLater(used) ? used.then((later) => account(later, nowMs)) : account(used, nowMs);
    },
  };
}

function isLater(used: CpuUsage | Promise<CpuUsage>): used is Promise<CpuUsage> {
  return 'then' in used;
}

/** @internal */
export function cpusHere(read: ReadText = readText, parallelism: number = availableParallelism()): number {
  return Math.min(parallelism, cgroupCpus(read) ?? Infinity);
}
