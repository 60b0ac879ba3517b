// Spends CPU time of this thread, however busy the machine is.

/** Node 22 has it not: there it is the time of all threads, of which more is spent. */
const internals = process as { threadCpuUsage?: typeof process.cpuUsage };
const usage = internals.threadCpuUsage?.bind(process) ?? process.cpuUsage.bind(process);
const share = internals.threadCpuUsage === undefined ? 4 : 1;

/** @param ms of CPU time, and of time at least */
export function burn(ms: number): void {
  const end = performance.now() + ms;
  const start = usage();
  const usedMs = (): number => {
    const { user, system } = usage(start);
    return (user + system) / 1000;
  };
  while (performance.now() < end || usedMs() < ms * share);
}
