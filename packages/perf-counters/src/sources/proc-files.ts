// Files of /proc, and why there are none.
import type { CpuTimes, Host } from './host.ts';

/** What a thread's `stat` counts ticks in: USER_HZ, which is 100 on every architecture that Node runs on. */
const US_PER_TICK = 10_000;

/** The text of a file of /proc, or why there is none. */
export function procText(host: Host, path: string): { readonly text: string } | string {
  if (host.platform !== 'linux') return `${path} is Linux's, and this is ${host.platform}`;
  try {
    return { text: host.readText(path) };
  } catch (error) {
    return `${path} can not be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}

export interface ThreadStat {
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** In steps of 10 ms. */
  readonly cpu: CpuTimes;
}

/** Of the calling thread. */
export function threadStat(host: Host): ThreadStat | string {
  const path = '/proc/thread-self/stat';
  const file = procText(host, path);
  if (typeof file === 'string') return file;
  // After the name, which may hold anything: state is field 3, minflt 10, majflt 12, utime 14, stime 15.
  const fields = file.text
    .slice(file.text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [minorFaults = NaN, majorFaults = NaN, user = NaN, system = NaN] = [7, 9, 11, 12].map(
    (i) => fields[i],
  );
  if (!Number.isFinite(minorFaults + majorFaults + user + system))
    return `${path} holds ${JSON.stringify(file.text.slice(0, 80))}, expected numbers`;
  return { minorFaults, majorFaults, cpu: { user: user * US_PER_TICK, system: system * US_PER_TICK } };
}

/** Lines `Name:\tvalue` of a status file. */
export function statusValue(text: string, name: string): number {
  const at = text.startsWith(`${name}:`) ? 0 : text.indexOf(`\n${name}:`) + 1;
  if (at === 0 && !text.startsWith(`${name}:`)) return NaN;
  return Number.parseInt(text.slice(at + name.length + 1), 10);
}
