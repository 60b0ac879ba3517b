/** One thread by its line in /proc/…/stat (proc(5)). */
import type { ThreadHost } from './thread-host.ts';
import { threadDirectory } from './thread-id.ts';

export interface ThreadStat {
  readonly tid: number;
  /** A letter: R running or ready, S sleeping, D waiting for a device, T stopped, Z ended, I idle… */
  readonly state: string;
  /** In user and kernel mode, in ticks of 10 ms (USER_HZ is 100 on everything that Node runs on). */
  readonly ticks: number;
  readonly nice: number;
  /** The CPU that it runs on, or ran on last. */
  readonly cpu: number;
  readonly realtimePriority: number;
  /** The kernel's number. */
  readonly policy: number;
}

/** Fields are numbered as in the manual, from 1. */
const FIELD = {
  state: 3,
  userTicks: 14,
  systemTicks: 15,
  nice: 19,
  cpu: 39,
  realtimePriority: 40,
  policy: 41,
};

/** `undefined` where the thread is not there, or its line is not as it should be. */
export function readThreadStat(host: ThreadHost, tid: number | undefined): ThreadStat | undefined {
  const text = host.fs.readFile(`${threadDirectory(tid)}/stat`);
  return text === undefined ? undefined : parseThreadStat(text);
}

export function parseThreadStat(text: string): ThreadStat | undefined {
  // The name is in parentheses and may hold any of them, and spaces: the last one closes.
  const open = text.indexOf(' (');
  const close = text.lastIndexOf(') ');
  if (open < 0 || close < open) return undefined;
  const fields = text
    .slice(close + 2)
    .trim()
    .split(' ');
  const at = (field: number): number => Number(fields[field - FIELD.state] ?? Number.NaN);
  const stat = {
    tid: Number(text.slice(0, open)),
    state: fields[0] ?? '',
    ticks: at(FIELD.userTicks) + at(FIELD.systemTicks),
    nice: at(FIELD.nice),
    cpu: at(FIELD.cpu),
    realtimePriority: at(FIELD.realtimePriority),
    policy: at(FIELD.policy),
  };
  const numbers = Object.values(stat).filter((value) => typeof value === 'number');
  return numbers.every((value) => Number.isSafeInteger(value)) && stat.state.length === 1 ? stat : undefined;
}
