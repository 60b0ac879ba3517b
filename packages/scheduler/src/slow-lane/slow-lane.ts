// The slow lane as JavaScript sees it: where it lies. Who enters and takes is in kernel/slow-entry.ts and kernel/slow-lane.ts.
import { alignUp, type Arena, AttachError, LINE_BYTES } from '@corelane/shared-memory';
import { laneCell, SLOW_LANES, slowLaneHead, slowLaneRoot, slowSlot, slowSource } from '../layout.ts';
import { PRIORITIES, priorityAt } from '../priority.ts';
import { sharedNowMs } from '../shared-clock.ts';
import type { SlowLanePlan } from './slow-lane-options.ts';

/** Hints of tasks that were cancelled stay until they are at the front: room for as many as there may be tasks. */
const HINTS_A_TASK = 2;
const WORD = slowLaneRoot.word;
/** Of Places, what the root holds. */
const PLACES = ['laneShift', 'laneBytes', 'lanesAt', 'sourcesAt', 'enteredAt'] as const;

export interface SlowLaneCounts {
  /** Tasks that wait in it. */
  readonly queued: number;
  /** So far, each since the scheduler began; wrap at 2^32. */
  readonly entered: number;
  /** Claimed because they had waited for `boostMs`. */
  readonly boosted: number;
  /** Refused with SlowLaneFullError, or left where they were for that reason. */
  readonly full: number;
  /** Refused with SourceThrottledError, or left where they were for that reason. */
  readonly throttled: number;
}

interface Shape {
  readonly capacity: number;
  readonly sources: number;
  readonly slots: number;
}

interface Places {
  readonly laneShift: number;
  readonly laneBytes: number;
  readonly lanesAt: number;
  readonly sourcesAt: number;
  readonly enteredAt: number;
  readonly lengthBytes: number;
}

function placesFor(at: number, { capacity, sources, slots }: Shape): Places {
  const laneShift = Math.ceil(Math.log2(HINTS_A_TASK * capacity));
  const laneBytes = alignUp(slowLaneHead.bytes + 2 ** laneShift * laneCell.bytes, LINE_BYTES);
  const lanesAt = at + slowLaneRoot.bytes;
  const sourcesAt = lanesAt + SLOW_LANES * laneBytes;
  const enteredAt = alignUp(sourcesAt + sources * slowSource.bytes, LINE_BYTES);
  const lengthBytes = alignUp(enteredAt + slots * slowSlot.bytes, LINE_BYTES) - at;
  return { laneShift, laneBytes, lanesAt, sourcesAt, enteredAt, lengthBytes };
}

export class SlowLane {
  readonly at: number;
  readonly capacity: number;
  readonly perSource: number;
  readonly #i32: Int32Array;

  private constructor(arena: Arena, at: number) {
    this.at = at;
    this.#i32 = arena.i32;
    this.capacity = this.#read(WORD.capacity);
    this.perSource = this.#read(WORD.perSource);
  }

  static bytesFor(plan: SlowLanePlan, sources: number, slots: number): number {
    return placesFor(0, { capacity: plan.capacity, sources, slots }).lengthBytes;
  }

  /** @param sources names of tasks. @throws ArenaExhaustedError */
  static create(arena: Arena, plan: SlowLanePlan, sources: number, slots: number): SlowLane {
    const shape = { capacity: plan.capacity, sources, slots };
    const at = arena.createObject(slowLaneRoot, placesFor(0, shape).lengthBytes);
    const places = placesFor(at, shape);
    const put = (word: number, value: number): void => void (arena.i32[(at >> 2) + word] = value);
    put(WORD.capacity, plan.capacity);
    put(WORD.perSource, plan.perSource);
    put(WORD.weights, plan.weights);
    put(WORD.boostMs, plan.boostMs);
    put(WORD.sources, sources);
    put(WORD.slots, slots);
    for (const field of PLACES) put(WORD[field], places[field]);
    return new SlowLane(arena, at);
  }

  /** @throws AttachError */
  static attach(arena: Arena, at: number, sources: number, slots: number): SlowLane {
    const { lengthBytes } = arena.openObject(slowLaneRoot, arena.objectHandle(slowLaneRoot.name, at));
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const capacity = read(WORD.capacity);
    if (capacity < 1 || capacity > slots)
      throw new AttachError(slowLaneRoot.name, 'capacity', capacity, `1 to ${slots}`);
    check('sources', read(WORD.sources), sources);
    check('slots', read(WORD.slots), slots);
    const places = placesFor(at, { capacity, sources, slots });
    for (const field of PLACES) check(field, read(WORD[field]), places[field]);
    check('length in bytes', lengthBytes, places.lengthBytes);
    return new SlowLane(arena, at);
  }

  counts(): SlowLaneCounts {
    return {
      queued: this.#read(WORD.queued),
      entered: this.#read(WORD.entered) >>> 0,
      boosted: this.#read(WORD.boosted) >>> 0,
      full: this.#read(WORD.full) >>> 0,
      throttled: this.#read(WORD.throttled) >>> 0,
    };
  }

  /** Tasks of a name that wait in it. */
  queuedOf(source: number): number {
    return Atomics.load(this.#i32, (this.#read(WORD.sourcesAt) >> 2) + source);
  }

  #read(word: number): number {
    return Atomics.load(this.#i32, (this.at >> 2) + word);
  }
}

/** The lane for tasks of a level of priority: the first one is the most urgent. */
export function slowLaneFor(level: number): number {
  return PRIORITIES.indexOf(priorityAt(level));
}

/** What kernels know as `nowMs`: it wraps. */
export function slowNowMs(): number {
  return sharedNowMs() | 0;
}

function check(what: string, found: number, expected: number): void {
  if (found !== expected) throw new AttachError(slowLaneRoot.name, what, found, expected);
}
