// Something that is held: it is deallocated with the scope that holds it.
import { ArgumentRangeError, TrackedReleasedError } from './errors.ts';
import type { LeakWatch, WatchedBytes } from './leak-watch.ts';
import { checkBytes, type OpenRecorder, type TagRecorder } from './recorder.ts';

/** Plain data, for `tracker.adopt` on another thread. */
export interface MemoryTransfer {
  readonly kind: 'memory-tracker/transfer';
  readonly tag: string;
  readonly bytes: number;
}

export class Tracked {
  #recorder: OpenRecorder | undefined;
  #bytes: number;
  readonly #leaks: LeakWatch | undefined;
  readonly #watched: WatchedBytes | undefined;

  /** Made by `TagRecorder.track` and `tracker.adopt`. @internal */
  constructor(recorder: OpenRecorder, bytes: number, leaks: LeakWatch | undefined) {
    this.#recorder = recorder;
    this.#bytes = bytes;
    this.#leaks = leaks;
    this.#watched = leaks?.watch(this, recorder, bytes);
  }

  /** What it holds, or held when it was released. */
  get bytes(): number {
    return this.#bytes;
  }

  get tag(): string {
    return this.#open().tag;
  }

  /**
   * Changes its size: records the difference. Not an allocation more, nor one less.
   * @throws MemoryBudgetError, MemoryOverflowError, ArgumentRangeError: nothing is changed; TrackedReleasedError
   */
  resize(bytes: number): void {
    const recorder = this.#open();
    checkBytes(bytes);
    const before = this.#bytes;
    if (bytes <= before) {
      // First this: a callback that hears of what is freed finds it as it is then.
      this.#hold(recorder, bytes);
      try {
        recorder.adjust(bytes - before);
      } catch (error) {
        this.#hold(recorder, before);
        throw error;
      }
      return;
    }
    recorder.adjust(bytes - before);
    if (this.#isAs(recorder, before)) return this.#hold(recorder, bytes);
    recorder.adjust(before - bytes);
    this.resize(bytes);
  }

  /**
   * Moves it to another tag of the same thread: an allocation there, then a deallocation here.
   * @throws MemoryBudgetError, MemoryOverflowError of the other tag: nothing is changed; TrackedReleasedError
   */
  moveTo(recorder: TagRecorder): void {
    const from = this.#open();
    if (typeof (recorder as OpenRecorder | undefined)?.adjust !== 'function')
      throw new ArgumentRangeError('recorder', recorder, 'a recorder of a tracker');
    const bytes = this.#bytes;
    recorder.alloc(bytes);
    if (!this.#isAs(from, bytes)) {
      recorder.dealloc(bytes);
      return this.moveTo(recorder);
    }
    this.#hold(recorder as OpenRecorder, bytes);
    try {
      from.dealloc(bytes);
    } catch (error) {
      this.#hold(from, bytes);
      recorder.dealloc(bytes);
      throw error;
    }
  }

  /**
   * Gives it away: this handle is released, the bytes stay held. `tracker.adopt` makes a handle of the transfer, once, on whichever
   * thread. Under a tag by worker they are in transit until then (`inTransitBytes`), a deallocation of this worker and then an
   * allocation of the other.
   * @throws TrackedReleasedError
   */
  transfer(): MemoryTransfer {
    const recorder = this.#open();
    this.#recorder = undefined;
    try {
      recorder.send(this.#bytes);
    } catch (error) {
      this.#recorder = recorder;
      throw error;
    }
    this.#release();
    return { kind: 'memory-tracker/transfer', tag: recorder.tag, bytes: this.#bytes };
  }

  /** Deallocates it, once. */
  [Symbol.dispose](): void {
    const recorder = this.#recorder;
    if (recorder === undefined) return;
    this.#release();
    recorder.dealloc(this.#bytes);
  }

  /** Whether nobody has released or changed it: callbacks of limits, which a record calls, may. */
  #isAs(recorder: OpenRecorder, bytes: number): boolean {
    return this.#recorder === recorder && this.#bytes === bytes;
  }

  #hold(recorder: OpenRecorder, bytes: number): void {
    this.#recorder = recorder;
    this.#bytes = bytes;
    if (this.#watched === undefined) return;
    this.#watched.recorder = recorder;
    this.#watched.bytes = bytes;
  }

  #release(): void {
    this.#recorder = undefined;
    this.#leaks?.forget(this);
  }

  #open(): OpenRecorder {
    if (this.#recorder === undefined) throw new TrackedReleasedError(this.#bytes);
    return this.#recorder;
  }
}
