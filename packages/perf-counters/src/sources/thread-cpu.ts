// CPU time of this thread.
import { Accumulated } from './accumulated.ts';
import type { CpuTimes, Host } from './host.ts';
import type { ThreadCpu } from './ports.ts';
import { threadStat } from './proc-files.ts';
import type { Missing, Source } from './source.ts';

const NS_PER_US = 1000;
const USER = 'nodejs_thread_cpu_user_seconds_total';
const SYSTEM = 'nodejs_thread_cpu_system_seconds_total';

export function threadCpuSource(host: Host, port: ThreadCpu | undefined): Source {
  return {
    name: 'threadCpu',
    scope: 'thread',
    open: (metrics) => {
      const read = reader(host);
      if (typeof read === 'string' && port === undefined)
        return { absent: `${read}; no threadCpu was given either` };
      const seconds = (name: string, what: string, counted: number): Accumulated =>
        new Accumulated(
          metrics.counter({
            name,
            help: `${what} CPU time of the threads that are watched, since they are.`,
            unit: 'seconds',
            perUnit: 1e9,
          })(),
          counted,
        );
      const first = typeof read === 'string' ? undefined : read();
      const user = first && seconds(USER, 'User', first.user * NS_PER_US);
      const system = first && seconds(SYSTEM, 'System', first.system * NS_PER_US);
      const readTotalNs = (times: CpuTimes | undefined): number =>
        port === undefined
          ? ((times?.user ?? NaN) + (times?.system ?? NaN)) * NS_PER_US
          : Math.round(port.readNs());
      const total = seconds('nodejs_thread_cpu_seconds_total', 'User and system', readTotalNs(first));
      const missing: Missing[] =
        typeof read === 'string' ? [USER, SYSTEM].map((metric) => ({ metric, reason: read })) : [];
      return {
        sample: () => {
          const times = typeof read === 'string' ? undefined : read();
          user?.follow((times?.user ?? NaN) * NS_PER_US);
          system?.follow((times?.system ?? NaN) * NS_PER_US);
          total.follow(readTotalNs(times));
        },
        missing: () => missing,
      };
    },
  };
}

/** What tells user and system time of the calling thread, or why nothing does. */
function reader(host: Host): (() => CpuTimes) | string {
  const { threadCpuUsage } = host;
  if (threadCpuUsage !== undefined) return threadCpuUsage;
  const without = `Node ${host.nodeVersion} has no process.threadCpuUsage (23.9 has)`;
  const stat = threadStat(host);
  if (typeof stat === 'string') return `${without}, and ${stat}`;
  return () => {
    const now = threadStat(host);
    return typeof now === 'string' ? { user: NaN, system: NaN } : now.cpu;
  };
}
