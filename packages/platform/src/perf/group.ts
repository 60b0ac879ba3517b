/** Events of one thread that the kernel puts on the processor together, and reads in one call. */
import type { NativePerf } from './native-perf.ts';
import { PERF_OPEN, PERF_READ_HEADER } from './native-perf.ts';
import { PERF_TYPE, type PerfEventInfo } from './event-table.ts';

const ERRNO = { ESRCH: 3, EOPNOTSUPP: 95 } as const;

/** Of the processor: whether and how user space may read the counter. x86 asks for nothing. */
const USER_ACCESS: Readonly<Record<string, readonly number[]>> = {
  // Bit 1: user access; bit 0: 64 bits wide, which only the cycle counter is everywhere.
  arm64: [3, 2],
};

export interface PerfGroup {
  readonly handles: number[];
  /** Places in the list of all events, in the order of the handles. */
  readonly events: number[];
  readonly out: Float64Array;
  /** Reading without a system call is worth trying. */
  pages: boolean;
}

export interface PerfOpenTarget {
  /** 0: the calling thread. */
  readonly tid: number;
  /** Sum of PERF_OPEN. */
  readonly flags: number;
  readonly arch: string;
  /** Every event a group of its own. */
  readonly single: boolean;
}

export interface PerfOpened {
  readonly groups: PerfGroup[];
  /** -errno of what could not be opened, by place in the list of all events. */
  readonly failures: Map<number, number>;
  /** The thread is not there (any more). */
  readonly gone: boolean;
}

/**
 * Opens as few groups as will do: what does not fit beside the others begins a group of its own. Nothing counts before `enable`.
 * @param wanted places in `all`
 */
export function openGroups(
  native: NativePerf,
  all: readonly PerfEventInfo[],
  wanted: readonly number[],
  target: PerfOpenTarget,
): PerfOpened {
  const members: { handles: number[]; events: number[] }[] = [];
  const failures = new Map<number, number>();
  let gone = false;
  for (const place of wanted) {
    const event = all[place];
    if (event === undefined) continue;
    const current = target.single ? undefined : members.at(-1);
    const joined = current === undefined ? 0 : open(native, event, target, current.handles[0] ?? 0);
    if (current !== undefined && joined > 0) {
      current.handles.push(joined);
      current.events.push(place);
      continue;
    }
    const handle = open(native, event, target, 0);
    if (handle > 0) members.push({ handles: [handle], events: [place] });
    else {
      failures.set(place, handle);
      gone ||= handle === -ERRNO.ESRCH;
    }
  }
  const pages = (target.flags & PERF_OPEN.map) !== 0;
  const groups = members.map(({ handles, events }) => ({
    handles,
    events,
    out: new Float64Array(PERF_READ_HEADER + handles.length),
    pages,
  }));
  return { groups, failures, gone };
}

/** Tries to have the counter readable by user space, then without. */
function open(native: NativePerf, event: PerfEventInfo, target: PerfOpenTarget, leader: number): number {
  const { tid, flags, arch } = target;
  const type = PERF_TYPE[event.type];
  const mapped = (flags & PERF_OPEN.map) !== 0;
  for (const config1 of mapped ? (USER_ACCESS[arch] ?? []) : []) {
    const handle = native.perfOpen(type, event.config, config1, tid, leader, flags);
    if (handle > 0) return handle;
  }
  return native.perfOpen(type, event.config, 0, tid, leader, flags);
}

/** Answers whether it was read without a system call (2), with one (1), or not at all (0). */
export function readGroup(native: NativePerf, group: PerfGroup): 0 | 1 | 2 {
  const leader = group.handles[0] ?? 0;
  if (group.pages) {
    const counts = native.perfReadPages(leader, group.out);
    if (counts > 0) return 2;
    if (counts === -ERRNO.EOPNOTSUPP) group.pages = false;
  }
  return native.perfRead(leader, group.out) > 0 ? 1 : 0;
}

/** Members first: a leader that goes would leave each of them a leader. */
export function closeGroups(native: NativePerf, groups: readonly PerfGroup[]): void {
  for (const { handles } of groups) for (const handle of handles.toReversed()) native.perfClose(handle);
}
