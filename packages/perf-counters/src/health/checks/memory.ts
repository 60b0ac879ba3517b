// Memory in use against what the kernel would kill for: the limit of the cgroup, else the memory of the machine.
import { freemem, platform, totalmem } from 'node:os';
import { cgroupMemory, readText } from '../cgroup.ts';
import { CHECK_OPTIONS, type CheckOptions, type HealthCheck } from '../check.ts';
import type { Measured } from '../measurement.ts';
import { aFunction, oneOf, onlyKnown } from '../option-checks.ts';
import type { MemoryFigures } from '../ports.ts';

export interface MemoryCheckOptions extends CheckOptions {
  /** The files of the cgroup by default. `() => limits()` of @corelane/platform is one. */
  readonly source?: () => MemoryFigures;
  /** What counts where the cgroup sets no limit: all memory of the machine, by default; or nothing, which is then unknown. */
  readonly withoutLimit?: 'machine' | 'unknown';
  /** Port, of the machine; null where what is available is not known. */
  readonly machine?: () => MachineMemory | null;
}

export interface MachineMemory {
  readonly totalBytes: number;
  /** What could be had without ending anything. */
  readonly availableBytes: number;
}

/**
 * Check `memory`, a ratio; warns above 0.85. File cache that nobody has touched of late is not in use: it is given back before anything is
 * killed (as the working set of Kubernetes). @throws ArgumentRangeError
 */
export function memoryCheck(options: MemoryCheckOptions = {}): HealthCheck {
  onlyKnown('option of memoryCheck', options, [...CHECK_OPTIONS, 'source', 'withoutLimit', 'machine']);
  const {
    source = cgroupMemory(readText),
    machine = machineMemory,
    withoutLimit = 'machine',
    name = 'memory',
    warn = 0.85,
    ...rest
  } = options;
  aFunction('source', source);
  aFunction('machine', machine);
  oneOf('withoutLimit', withoutLimit, ['machine', 'unknown']);
  const ofMachine = (why: string): Measured => {
    if (withoutLimit === 'unknown') return { unknown: why };
    const memory = machine();
    if (memory === null) return { unknown: `${why}, and what the machine could give is not known` };
    const { totalBytes, availableBytes } = memory;
    return ratio(totalBytes - availableBytes, totalBytes, `of the machine: ${why}`);
  };
  const isAboveMachine = (limitBytes: number): boolean =>
    withoutLimit === 'machine' && limitBytes > (machine()?.totalBytes ?? Infinity);
  return {
    ...rest,
    name,
    warn,
    unit: 'ratio',
    measure: () => {
      const { memoryLimitBytes: limit, memoryUsageBytes: usage, memoryReclaimableBytes } = source();
      if (limit.value === null) return ofMachine(limit.reason ?? 'no limit is known');
      if (limit.value === 'unlimited') return ofMachine(`${limit.source ?? 'the cgroup'} sets no limit`);
      if (isAboveMachine(limit.value)) return ofMachine(`${limit.source ?? 'the limit'} is above it`);
      if (usage.value === null) return { unknown: usage.reason ?? 'usage is not known' };
      const inUse = Math.max(0, usage.value - (memoryReclaimableBytes?.value ?? 0));
      return ratio(inUse, limit.value, limit.source ?? 'the limit');
    },
  };
}

/** Elsewhere `freemem` does not count what the kernel would give back: nearly all is in use, always. */
function machineMemory(): MachineMemory | null {
  const isKnown = platform() === 'linux' || platform() === 'win32';
  return isKnown ? { totalBytes: totalmem(), availableBytes: freemem() } : null;
}

function ratio(bytes: number, limitBytes: number, source: string): Measured {
  if (!(limitBytes > 0)) return { unknown: `a limit of ${limitBytes} bytes (${source})` };
  return { value: bytes / limitBytes, detail: `${mib(bytes)} of ${mib(limitBytes)} MiB, ${source}` };
}

function mib(bytes: number): string {
  return String(Math.round(bytes / 2 ** 20));
}
