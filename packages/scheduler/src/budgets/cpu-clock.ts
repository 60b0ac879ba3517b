// CPU time of the calling thread, and what it costs to ask for it.

/** As a port: platform's `ThreadClock` is made one by `threadCpuClock`. */
export interface CpuClock {
  /** `wall`: it is no CPU time at all, but the time that goes by: what sleeps looks as if it worked. */
  readonly source: 'thread' | 'wall';
  /** Milliseconds, from any beginning on. Of the calling thread. */
  nowMs(): number;
}

export interface MeasuredCpuClock extends CpuClock {
  /** What a call of `nowMs` takes, in nanoseconds: measured when it was made. */
  readonly costNs: number;
  /** Why it is the wall's; undefined where it is the thread's. */
  readonly reason: string | undefined;
}

/** Enough that one interruption makes no difference, and done in a fraction of a millisecond. */
const SAMPLES = 64;
const ROUNDS = 5;

interface ThreadCpuUsage {
  readonly user: number;
  readonly system: number;
}

type Read = () => ThreadCpuUsage;

/**
 * The clock of this thread: `process.threadCpuUsage` where Node has it (from 23.9 on), else the wall's, which says so. A read makes an object: it is for one poll in
 * so many.
 * @param given to be used and measured in place of these
 */
export function cpuClock(given?: CpuClock): MeasuredCpuClock {
  if (given !== undefined)
    return measured(given, given.source === 'thread' ? undefined : 'it was given as such');
  const { threadCpuUsage } = process as { threadCpuUsage?: Read };
  if (typeof threadCpuUsage !== 'function')
    return measured(wallClock, `process.threadCpuUsage came with Node 23.9, found ${process.version}`);
  try {
    threadCpuUsage.call(process);
  } catch (error) {
    return measured(wallClock, `process.threadCpuUsage threw ${String(error)}`);
  }
  const nowMs = (): number => {
    const { user, system } = threadCpuUsage.call(process);
    return (user + system) / 1e3;
  };
  return measured({ source: 'thread', nowMs }, undefined);
}

/** A clock of platform, or anything else that reads nanoseconds of CPU time of the calling thread. */
export function threadCpuClock(clock: { readNs(): number }): CpuClock {
  return { source: 'thread', nowMs: () => clock.readNs() / 1e6 };
}

const wallClock: CpuClock = { source: 'wall', nowMs: () => performance.now() };

function measured(clock: CpuClock, reason: string | undefined): MeasuredCpuClock {
  let costNs = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    for (let i = 0; i < SAMPLES; i++) clock.nowMs();
    costNs = Math.min(costNs, ((performance.now() - startMs) * 1e6) / SAMPLES);
  }
  return { source: clock.source, nowMs: () => clock.nowMs(), costNs, reason };
}
