/**
 * native/perf.c. A *handle* names an event that this thread opened; 0 is none. What a thread still holds when it ends is closed.
 * A *leader* is the first event of a group: enabled and read as one.
 */
export interface NativePerf {
  /**
   * perf_event_open, disabled where it leads. Answers a handle.
   * @param type PERF_TYPE_*
   * @param config of the type
   * @param config1 of the processor
   * @param tid kernel thread id; 0 for the calling thread
   * @param leader the group to join, of at most 16; 0 to begin one
   * @param flags sum of PERF_OPEN
   */
  perfOpen(type: number, config: number, config1: number, tid: number, leader: number, flags: number): number;
  perfEnable(leader: number): number;
  /** By read(2), into `out`: ns enabled, ns running, then each count in the order of opening. Answers how many counts; 0: given up. */
  perfRead(leader: number, out: Float64Array): number;
  /** The same without a system call. -EAGAIN: not now, -EOPNOTSUPP: never; perfRead has it. */
  perfReadPages(leader: number, out: Float64Array): number;
  /** -EBADF for what is not open. */
  perfClose(handle: number): number;
  /**
   * getrusage and the CPU clock, of the process (`whole` 1) or the calling thread (0). Into `out`: minor faults, major faults, voluntary
   * switches, involuntary switches, CPU ns.
   */
  perfUsage(whole: number, out: Float64Array): number;
}

export const PERF_OPEN = {
  excludeKernel: 1,
  /** Threads and processes begun later by the counted thread count too, and what they counted stays when they end. */
  inherit: 2,
  /** Only threads. Linux 5.13. */
  inheritThread: 4,
  /** Map the page for perfReadPages; only for `tid` 0 without inheriting. Where it cannot be mapped, perfReadPages says so. */
  map: 8,
} as const;

/** Numbers in `out` ahead of the counts. */
export const PERF_READ_HEADER = 2;

/** Places in `out` of perfUsage. */
export const PERF_USAGE = { minorFaults: 0, majorFaults: 1, voluntary: 2, involuntary: 3, cpuNs: 4 } as const;
export const PERF_USAGE_LENGTH = 5;
