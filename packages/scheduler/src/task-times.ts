// When the task in each slot began and ended, where option `recordTiming` says so: a table beside the slots, in shared memory. What a slot's state hands over, it hands over here.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { slotTimes, timesRoot } from './layout.ts';
import type { Recorder } from './ports.ts';
import { sharedNowMs } from './shared-clock.ts';

/** Take milliseconds of each task that has ended on a worker; not of one that was aborted, timed out or lost. */
export interface TimingRecorders {
  /** From `run()` to when a worker began it. */
  readonly wait?: Recorder;
  /** From then to its result, or its error. */
  readonly run?: Recorder;
}

const BEGUN = slotTimes.offset.begun >> 3;
const ENDED = slotTimes.offset.ended >> 3;
const STRIDE = slotTimes.bytes >> 3;

export class TaskTimes {
  readonly at: number;
  readonly #f64: Float64Array;
  readonly #first: number;

  private constructor(arena: Arena, at: number) {
    this.at = at;
    this.#f64 = arena.f64;
    this.#first = (at + timesRoot.bytes) >> 3;
  }

  static bytesFor(slots: number): number {
    return timesRoot.bytes + slots * slotTimes.bytes;
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena, slots: number): TaskTimes {
    return new TaskTimes(arena, arena.createObject(timesRoot, TaskTimes.bytesFor(slots)));
  }

  /** @throws AttachError */
  static attach(arena: Arena, at: number, slots: number): TaskTimes {
    const { lengthBytes } = arena.openObject(timesRoot, arena.objectHandle(timesRoot.name, at));
    const expected = TaskTimes.bytesFor(slots);
    if (lengthBytes !== expected)
      throw new AttachError(timesRoot.name, 'length in bytes', lengthBytes, expected);
    return new TaskTimes(arena, at);
  }

  /** Of its client, before it submits the slot. */
  reset(slot: number): void {
    this.#f64[this.#first + slot * STRIDE + ENDED] = 0;
  }

  /** Of its worker. */
  begin(slot: number): void {
    this.#f64[this.#first + slot * STRIDE + BEGUN] = sharedNowMs();
  }

  /** Of its worker, before it finishes the slot. */
  end(slot: number): void {
    this.#f64[this.#first + slot * STRIDE + ENDED] = sharedNowMs();
  }

  /** Of its client, that has taken the slot. @param submittedMs of sharedNowMs() */
  record({ wait, run }: TimingRecorders, slot: number, submittedMs: number): void {
    const at = this.#first + slot * STRIDE;
    const endedMs = this.#f64[at + ENDED] as number;
    if (endedMs === 0) return; // its worker was lost
    const begunMs = this.#f64[at + BEGUN] as number;
    wait?.record(Math.max(0, begunMs - submittedMs));
    run?.record(Math.max(0, endedMs - begunMs));
  }
}
