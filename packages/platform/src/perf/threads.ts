/** Opening the same events on every thread of the process, those to come included. */
import { closeGroups, openGroups, type PerfGroup } from './group.ts';
import type { NativePerf } from './native-perf.ts';
import type { PerfEventInfo } from './event-table.ts';
import type { PerfMachine } from './machine.ts';

/** Guessed: a process that starts threads faster than this many listings can see does nothing else. */
const LISTINGS = 8;

export interface PerfThreadsOpened {
  readonly groups: PerfGroup[];
  readonly failures: Map<number, number>;
  /** Why none could be opened where no system call failed. */
  readonly problem?: string;
}

/**
 * A thread that begins while this goes on may or may not have been begun by one that is counted already, and would be counted twice or not
 * at all. So it is only good if no thread is there at the end that was not at the beginning, and is done again otherwise.
 *
 * The calling thread comes first: what cannot be counted there is left out everywhere. If another thread then refuses one event
 * (files run out), none is opened: a sum over some of the threads is not the process.
 * @param flags sum of PERF_OPEN, one of the inheriting ones among them
 */
export function openEveryThread(
  machine: PerfMachine,
  native: NativePerf,
  all: readonly PerfEventInfo[],
  wanted: readonly number[],
  options: { readonly flags: number; readonly single: boolean },
): PerfThreadsOpened {
  const { arch, ownTid } = machine;
  for (let listing = 0; listing < LISTINGS; listing++) {
    const listed = machine.threadIds();
    if (listed === undefined)
      return { groups: [], failures: new Map(), problem: '/proc/self/task cannot be listed' };
    const own = openGroups(native, all, wanted, { tid: 0, arch, ...options });
    const { groups, failures } = own;
    const countable = wanted.filter((place) => !failures.has(place));
    for (const tid of countable.length === 0 ? [] : listed) {
      if (tid === ownTid) continue;
      const other = openGroups(native, all, countable, { tid, arch, ...options });
      if (other.gone) closeGroups(native, other.groups);
      else groups.push(...other.groups);
      if (other.gone || other.failures.size === 0) continue;
      closeGroups(native, groups);
      const [result] = other.failures.values();
      for (const place of countable) failures.set(place, result ?? 0);
      return { groups: [], failures };
    }
    const before = new Set(listed);
    if (machine.threadIds()?.every((tid) => before.has(tid)) === true) return { groups, failures };
    closeGroups(native, groups);
  }
  return {
    groups: [],
    failures: new Map(),
    problem: `threads began during each of ${LISTINGS} attempts to open it on all of them`,
  };
}
