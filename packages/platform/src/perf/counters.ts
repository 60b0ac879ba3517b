/** The tiers that perf_event_open has: counters of the processor, and those of the kernel. */
import { errnoName } from '../answer.ts';
import type { NativePerf } from './native-perf.ts';
import { PERF_OPEN, PERF_READ_HEADER } from './native-perf.ts';
import type { PerfEventInfo, PerfEventType } from './event-table.ts';
import { closeGroups, openGroups, readGroup, type PerfGroup } from './group.ts';
import type { PerfMachine } from './machine.ts';
import { perfRefusal } from './refusal.ts';
import { isScaled, scaleCount } from './scale.ts';
import type { PerfColumns, PerfSource, PerfSourceOpened, PerfTarget } from './source.ts';
import { openEveryThread } from './threads.ts';

const NEVER_RAN =
  'the kernel never had a counter free for it (time running is 0): other groups, a watchdog or another user hold them';
const UNREADABLE = 'the kernel gave the group up: read(2) has nothing';
const USER_ONLY = 'user space only: the kernel is excluded';
/** A clock of the kernel's, which has no such distinction. */
const KERNEL_TOO = 'its time in the kernel counts, though the kernel is excluded';
const PROCESSES_TOO = 'child processes count too: the kernel cannot leave them out before Linux 5.13';

const BY_KERNEL =
  'not in user space: its page cannot be mapped, or access is off (kernel.perf_user_access, /sys/bus/event_source/devices/cpu/rdpmc)';

interface Asked {
  readonly machine: PerfMachine;
  readonly native: NativePerf;
  readonly all: readonly PerfEventInfo[];
  readonly type: PerfEventType;
  readonly target: PerfTarget;
}

interface Opened {
  readonly groups: PerfGroup[];
  readonly failures: Map<number, number>;
  readonly problem?: string;
  readonly note?: string;
}

/**
 * Opens the events of one type, and starts them.
 * @param wanted places in `all`
 * @param excludeKernel `undefined`: count the kernel where it lets us, else leave it out
 */
export function openCounters(
  machine: PerfMachine,
  all: readonly PerfEventInfo[],
  wanted: readonly number[],
  type: PerfEventType,
  target: PerfTarget,
  excludeKernel: boolean | undefined,
): PerfSourceOpened {
  const failures = new Map<number, string>();
  const notes = new Map<number, string>();
  const places = wanted.filter((place) => all[place]?.type === type);
  const { native } = machine;
  if (native === null) {
    for (const place of places)
      failures.set(place, `perf_event_open takes the addon: ${machine.nativeReason}`);
    return { source: null, notes, failures };
  }
  if (places.length === 0) return { source: null, notes, failures };

  const asked: Asked = { machine, native, all, type, target };
  let excluded = excludeKernel === true;
  let opened = openFitting(asked, countable(all, places, excluded), excluded);
  if (excludeKernel === undefined && [...opened.failures.values()].some(isPermission)) {
    closeGroups(native, opened.groups);
    excluded = true;
    opened = openFitting(asked, countable(all, places, excluded), excluded);
  }

  const source = new Counters(native, opened.groups, type);
  const whose = typeof target === 'object' ? `thread ${target.tid}` : `this ${target}`;
  for (const place of places) {
    const event = all[place];
    if (event === undefined) continue;
    const result = opened.failures.get(place);
    if (source.has(place)) {
      const how = `perf_event_open(${event.constant}, ${whose})`;
      const slow = type === 'hardware' && target === 'thread' && !source.reads(place) ? BY_KERNEL : [];
      const kernel = event.name === 'taskClock' ? KERNEL_TOO : USER_ONLY;
      notes.set(place, [how, excluded ? kernel : [], slow, opened.note ?? []].flat().join('; '));
    } else if (result !== undefined) failures.set(place, perfRefusal(machine, event, whose, result));
    else if (excluded && event.inKernel)
      failures.set(
        place,
        `perf_event_open(${event.constant}, ${whose}) with the kernel excluded would read 0, for it happens there`,
      );
    else failures.set(place, `perf_event_open(${event.constant}, ${whose}) was not done: ${opened.problem}`);
  }
  return { source: opened.groups.length === 0 ? null : source, notes, failures };
}

function countable(all: readonly PerfEventInfo[], places: readonly number[], excluded: boolean): number[] {
  return places.filter((place) => !(excluded && all[place]?.inKernel === true));
}

function isPermission(result: number): boolean {
  const name = errnoName(-result);
  return name === 'EACCES' || name === 'EPERM';
}

/**
 * Opens and enables. The kernel accepts a group that would fit an idle processor, even if something has one of the counters for good
 * (a watchdog), and then never runs it. Where the thread is this one it must have run by now; if not, each event goes alone.
 */
function openFitting(asked: Asked, places: readonly number[], excluded: boolean): Opened {
  const { native, target } = asked;
  for (const single of [false, true]) {
    const opened = openOnce(asked, places, excluded, single);
    for (const { handles } of opened.groups) native.perfEnable(handles[0] ?? 0);
    if (single || typeof target === 'object' || !opened.groups.some((group) => starves(native, group)))
      return opened;
    closeGroups(native, opened.groups);
  }
  throw new Error('unreachable');
}

function starves(native: NativePerf, group: PerfGroup): boolean {
  if (group.handles.length < 2 || native.perfRead(group.handles[0] ?? 0, group.out) <= 0) return false;
  const [enabledNs = 0, runningNs = 0] = group.out;
  return enabledNs > 0 && runningNs === 0;
}

function openOnce(asked: Asked, places: readonly number[], excluded: boolean, single: boolean): Opened {
  const { machine, native, all, type, target } = asked;
  const { arch } = machine;
  const exclude = excluded ? PERF_OPEN.excludeKernel : 0;
  // What the kernel counts is in no register.
  const map = type === 'hardware' ? PERF_OPEN.map : 0;
  if (target === 'thread')
    return openGroups(native, all, places, { tid: 0, flags: exclude + map, arch, single });
  if (target !== 'process')
    return openGroups(native, all, places, { tid: target.tid, flags: exclude, arch, single });
  const threads = openEveryThread(machine, native, all, places, {
    flags: exclude + PERF_OPEN.inheritThread,
    single,
  });
  // A kernel that does not know the flag answers EINVAL to everything.
  if (threads.groups.length > 0 || ![...threads.failures.values()].every(isUnknown)) return threads;
  if (threads.problem !== undefined) return threads;
  const children = openEveryThread(machine, native, all, places, {
    flags: exclude + PERF_OPEN.inherit,
    single,
  });
  return { ...children, note: PROCESSES_TOO };
}

function isUnknown(result: number): boolean {
  return errnoName(-result) === 'EINVAL';
}

class Counters implements PerfSource {
  readonly #native: NativePerf;
  readonly #groups: readonly PerfGroup[];
  readonly #type: PerfEventType;
  readonly #places: readonly number[];

  constructor(native: NativePerf, groups: readonly PerfGroup[], type: PerfEventType) {
    this.#native = native;
    this.#groups = groups;
    this.#type = type;
    this.#places = [...new Set(groups.flatMap(({ events }) => events))];
  }

  has(place: number): boolean {
    return this.#places.includes(place);
  }

  /** Whether it can be read without a system call, as things are. */
  reads(place: number): boolean {
    const group = this.#groups.find(({ events }) => events.includes(place));
    return group !== undefined && readGroup(this.#native, group) === 2;
  }

  /** Sums over groups: over threads. One that is not known makes the sum not known. */
  sample({ values, tiers, scaled, problems }: PerfColumns): void {
    for (const place of this.#places) {
      values[place] = 0;
      scaled[place] = 0;
      problems[place] = null;
    }
    for (const group of this.#groups) {
      const how = readGroup(this.#native, group);
      const { events, out } = group;
      const enabledNs = out[0] ?? 0;
      const runningNs = out[1] ?? 0;
      const tier = this.#type === 'software' ? 'software' : how === 2 ? 'rdpmc' : 'group';
      for (let i = 0; i < events.length; i++) {
        const place = events[i] ?? 0;
        tiers[place] = tier;
        const count =
          how === 0 ? Number.NaN : scaleCount(out[PERF_READ_HEADER + i] ?? 0, enabledNs, runningNs);
        if (Number.isNaN(count)) problems[place] = how === 0 ? UNREADABLE : NEVER_RAN;
        if (isScaled(enabledNs, runningNs)) scaled[place] = 1;
        values[place] = (values[place] ?? 0) + count;
      }
    }
  }

  close(): void {
    closeGroups(this.#native, this.#groups);
  }
}
