/** What the kernel keeps of threads and processes whether or not anybody counts: one slot a figure, from the best source there is. */
import { PERF_USAGE, PERF_USAGE_LENGTH } from './native-perf.ts';
import type { PerfMachine, PerfNative } from './machine.ts';
import type { PerfTarget } from './source.ts';
import { TaskFile } from './task-files.ts';

/** Places in the arrays here. */
export const SLOT = { minorFaults: 0, majorFaults: 1, switches: 2, cpuNs: 3, migrations: 4 } as const;
export const SLOTS = 5;

/** One source, of the slots that its opener names. */
export interface Account {
  /** What it is, as in "from …". */
  readonly source: string;
  /** Writes its slots: NaN for what it does not have (any more). */
  read(into: Float64Array): void;
  close(): void;
}

/** A source, or why there is none. */
export interface AccountOpener {
  readonly slots: readonly number[];
  open(): Account | string;
}

const NS_PER_US = 1000;
/** Fields of stat, as proc(5) counts them. */
const STAT_MINFLT = 10;
const STAT_MAJFLT = 12;
const VOLUNTARY = Buffer.from('voluntary_ctxt_switches:');
const INVOLUNTARY = Buffer.from('nonvoluntary_ctxt_switches:');
const MIGRATIONS = Buffer.from('se.nr_migrations');

const FAULTS = [SLOT.minorFaults, SLOT.majorFaults];
const ALL_OF_USAGE = [...FAULTS, SLOT.switches, SLOT.cpuNs];

/** In order of preference: a slot comes from the first that has it. */
export function accountsOf(machine: PerfMachine, target: PerfTarget): AccountOpener[] {
  const { native, ownTid } = machine;
  if (target === 'process') return [native === null ? resourceUsage(machine) : usage(native, 1)];
  if (target !== 'thread') {
    const files = taskFiles(machine, target.tid);
    return native === null ? files : [clockOf(machine, native, target.tid), ...files];
  }
  const files = ownTid === undefined ? [] : taskFiles(machine, ownTid);
  return [native === null ? threadCpu(machine) : usage(native, 0), ...files];
}

/** Of the addon. */
function usage(native: PerfNative, whole: 0 | 1): AccountOpener {
  return {
    slots: ALL_OF_USAGE,
    open(): Account {
      const out = new Float64Array(PERF_USAGE_LENGTH);
      return {
        source: `getrusage(${whole ? 'RUSAGE_SELF' : 'RUSAGE_THREAD'}) and the CPU clock`,
        read(into): void {
          if (native.perfUsage(whole, out) < 0) out.fill(Number.NaN);
          into[SLOT.minorFaults] = at(out, PERF_USAGE.minorFaults);
          into[SLOT.majorFaults] = at(out, PERF_USAGE.majorFaults);
          into[SLOT.switches] = at(out, PERF_USAGE.voluntary) + at(out, PERF_USAGE.involuntary);
          into[SLOT.cpuNs] = at(out, PERF_USAGE.cpuNs);
        },
        close: nothing,
      };
    },
  };
}

/**
 * The CPU clock of another thread, which is exact while that runs. An id may go to a new thread; the file, which stays with the old one,
 * tells that it ended.
 */
function clockOf(machine: PerfMachine, native: PerfNative, tid: number): AccountOpener {
  return {
    slots: [SLOT.cpuNs],
    open(): Account | string {
      const alive = TaskFile.open(machine, tid, 'schedstat');
      if (typeof alive === 'string') return `/proc/self/task/${tid}/schedstat cannot be opened (${alive})`;
      const cell = new Float64Array(1);
      return {
        source: `the CPU clock of thread ${tid}`,
        read(into): void {
          native.threadCpuTimeInto(tid, cell, 0);
          const ns = at(cell, 0);
          into[SLOT.cpuNs] = ns >= 0 && alive.refresh() ? ns : Number.NaN;
        },
        close: () => {
          alive.close();
        },
      };
    },
  };
}

/** Of Node, on any system; each call allocates an object. On Windows all but the times are 0 or mean something else. */
function resourceUsage(machine: PerfMachine): AccountOpener {
  const windows = machine.platform === 'win32';
  return {
    slots: windows ? [SLOT.cpuNs] : ALL_OF_USAGE,
    open: () => ({
      source: 'process.resourceUsage()',
      read(into): void {
        const {
          minorPageFault,
          majorPageFault,
          voluntaryContextSwitches,
          involuntaryContextSwitches,
          ...cpu
        } = machine.resourceUsage();
        into[SLOT.minorFaults] = minorPageFault;
        into[SLOT.majorFaults] = majorPageFault;
        into[SLOT.switches] = voluntaryContextSwitches + involuntaryContextSwitches;
        into[SLOT.cpuNs] = (cpu.userCPUTime + cpu.systemCPUTime) * NS_PER_US;
      },
      close: nothing,
    }),
  };
}

/** Of Node, on any system. */
function threadCpu(machine: PerfMachine): AccountOpener {
  return {
    slots: [SLOT.cpuNs],
    open(): Account | string {
      if (machine.threadCpuUs() === undefined) return 'process.threadCpuUsage() takes Node 23.9';
      return {
        source: 'process.threadCpuUsage()',
        read(into): void {
          into[SLOT.cpuNs] = (machine.threadCpuUs() ?? Number.NaN) * NS_PER_US;
        },
        close: nothing,
      };
    },
  };
}

/** Of Linux, for any thread of this process. Without the addon, the CPU time of a thread that runs is as of the scheduler's last tick (1 to 10 ms). */
function taskFiles(machine: PerfMachine, tid: number): AccountOpener[] {
  return [
    taskFile(machine, tid, 'stat', FAULTS, (file, into) => {
      into[SLOT.minorFaults] = file.statField(STAT_MINFLT);
      into[SLOT.majorFaults] = file.statField(STAT_MAJFLT);
    }),
    taskFile(machine, tid, 'status', [SLOT.switches], (file, into) => {
      into[SLOT.switches] = file.labelled(VOLUNTARY) + file.labelled(INVOLUNTARY);
    }),
    taskFile(machine, tid, 'schedstat', [SLOT.cpuNs], (file, into) => {
      // All zero, runs included, where the kernel is built without them.
      into[SLOT.cpuNs] = file.word(2) > 0 ? file.word(0) : Number.NaN;
    }),
    taskFile(machine, tid, 'sched', [SLOT.migrations], (file, into) => {
      into[SLOT.migrations] = file.labelled(MIGRATIONS);
    }),
  ];
}

function taskFile(
  machine: PerfMachine,
  tid: number,
  name: string,
  slots: readonly number[],
  parse: (file: TaskFile, into: Float64Array) => void,
): AccountOpener {
  return {
    slots,
    open(): Account | string {
      const file = TaskFile.open(machine, tid, name);
      if (typeof file === 'string') return `/proc/self/task/${tid}/${name} cannot be opened (${file})`;
      return {
        source: file.path,
        read(into): void {
          if (file.refresh()) parse(file, into);
          else for (const slot of slots) into[slot] = Number.NaN;
        },
        close: () => {
          file.close();
        },
      };
    },
  };
}

function at(values: Float64Array, place: number): number {
  return values[place] ?? Number.NaN;
}

function nothing(): void {}
