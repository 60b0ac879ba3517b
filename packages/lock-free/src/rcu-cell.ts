// The cell as JavaScript sees it. The protocol is in kernel/rcu-cell.ts and PROTOCOL.md.
import {
  alignUp,
  ArgumentRangeError,
  Arena,
  AttachError,
  LINE_BYTES,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { checkTimeout, deadlineAfter, sliceUs } from './deadline.ts';
import { NotOwnerError, StillReadingError } from './errors.ts';
import { kernelBase64, type KernelExports } from './kernel.generated.ts';
import { LOCK_TIMED_OUT, NOT_OWNER, RCU_NO_VERSION, rcuRoot, rcuVersion, readerSlot } from './layout.ts';
import { type LockOptions, SharedMutex } from './mutex.ts';
import { RcuGuard, type RcuView } from './rcu-guard.ts';
import { ReaderSeat } from './reader-seat.ts';
import { deadThread, THIS_THREAD } from './this-thread.ts';
import { type WaitAsyncOptions, waitForWord } from './word-wait.ts';

const MAX_READERS = 2 ** 14;
const MAX_VERSIONS = 1024;
const MAX_PAYLOAD_BYTES = 2 ** 24;

/** Plain data that travels through `workerData` and `postMessage`. */
export type RcuCellHandle = ObjectHandle<'lock-free/rcu-cell'>;

export interface RcuCellOptions {
  /** Of a version, 1 to 16 777 216; rounded up to a multiple of 8. All zeros at first. */
  readonly payloadBytes: number;
  /** Payloads, 2 to 1024; 4 by default. An update waits for readers where they are in all but the current one. */
  readonly versions?: number;
  /** Threads that may read, 1 to 16 384; 64 by default. Each takes 128 bytes. */
  readonly maxReaders?: number;
}

/** - `done` - `timedOut`: nothing was changed */
export type RcuOutcome = 'done' | 'timedOut';

/** A payload of fixed size that readers get whole without ever waiting, while updaters replace it by changed copies. */
export class RcuCell {
  readonly handle: RcuCellHandle;
  readonly payloadBytes: number;
  readonly maxReaders: number;
  readonly #arena: Arena;
  readonly #kernel: KernelExports;
  readonly #cell: number;
  readonly #seat: ReaderSeat;
  readonly #updaters: SharedMutex;
  readonly #views: readonly RcuView[];

  private constructor(arena: Arena, at: number, shape: Required<RcuCellOptions>) {
    const { payloadBytes, versions, maxReaders } = shape;
    this.#arena = arena;
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#cell = at;
    this.payloadBytes = payloadBytes;
    this.maxReaders = maxReaders;
    this.#seat = new ReaderSeat(arena, this.#kernel, at + rcuRoot.bytes, maxReaders);
    this.#updaters = SharedMutex.over(arena, at + rcuRoot.offset.updaters);
    const payloads = at + payloadsAt(shape);
    this.#views = Array.from({ length: versions }, (_, version) => {
      const from = payloads + version * alignUp(payloadBytes, LINE_BYTES);
      const to = from + payloadBytes;
      return {
        u8: arena.u8.subarray(from, to),
        i32: arena.i32.subarray(from >> 2, to >> 2),
        f64: arena.f64.subarray(from >> 3, to >> 3),
      };
    });
    this.handle = arena.objectHandle(rcuRoot.name as RcuCellHandle['kind'], at);
  }

  /** @throws ArgumentRangeError, ArenaExhaustedError */
  static create(arena: Arena, options: RcuCellOptions): RcuCell {
    const { payloadBytes, versions = 4, maxReaders = 64 } = options;
    check('payloadBytes', payloadBytes, 1, MAX_PAYLOAD_BYTES);
    check('versions', versions, 2, MAX_VERSIONS);
    check('maxReaders', maxReaders, 1, MAX_READERS);
    const shape = { payloadBytes: alignUp(payloadBytes, 8), versions, maxReaders };
    const cell = new RcuCell(arena, arena.createObject(rcuRoot, lengthFor(shape)), shape);
    const strideBytes = alignUp(shape.payloadBytes, LINE_BYTES);
    cell.#kernel.initializeRcu(cell.#cell, maxReaders, versions, shape.payloadBytes, strideBytes);
    return cell;
  }

  /** @throws AttachError */
  static attach(handle: RcuCellHandle, arena: Arena = Arena.attach(handle?.arena)): RcuCell {
    const { at, lengthBytes } = arena.openObject(rcuRoot, handle);
    const read = (name: keyof typeof rcuRoot.word, least: number, most: number): number => {
      const found = arena.i32[(at >> 2) + rcuRoot.word[name]] as number;
      if (found < least || found > most)
        throw new AttachError(rcuRoot.name, name, found, `${least} to ${most}`);
      return found;
    };
    const shape = {
      payloadBytes: read('payloadBytes', 8, MAX_PAYLOAD_BYTES),
      versions: read('versions', 2, MAX_VERSIONS),
      maxReaders: read('maxReaders', 1, MAX_READERS),
    };
    if (shape.payloadBytes % 8 !== 0)
      throw new AttachError(rcuRoot.name, 'payloadBytes', shape.payloadBytes, 'a multiple of 8');
    const strideBytes = alignUp(shape.payloadBytes, LINE_BYTES);
    read('strideBytes', strideBytes, strideBytes);
    if (lengthBytes !== lengthFor(shape))
      throw new AttachError(rcuRoot.name, 'length in bytes', lengthBytes, lengthFor(shape));
    return new RcuCell(arena, at, shape);
  }

  /** Begins a read section. Never waits. @throws ReadersExhaustedError */
  read(): RcuGuard {
    return new RcuGuard(this, this.enter());
  }

  /**
   * `read` without the guard: allocates nothing. Sections may lie in one another; `exit` ends the inmost one.
   * @returns the current version, which stays as it is until the outermost section of this thread ends
   * @throws ReadersExhaustedError
   */
  enter(): RcuView {
    return this.#views[this.#kernel.beginRead(this.#cell, this.#seat.slot)] as RcuView;
  }

  /** Never waits. @throws NotOwnerError where this thread does not read */
  exit(): void {
    const slot = this.#seat.claimed;
    if (slot === 0 || this.#kernel.endRead(this.#cell, slot) === NOT_OWNER)
      throw new NotOwnerError(THIS_THREAD - 1, undefined);
  }

  /**
   * Replaces the payload by a copy that `change` has changed: readers see all of it or nothing. One updater at a time; blocks the
   * thread while there is another one, or while readers are in every version but the current one.
   * @param change gets a copy of the current version. Where it throws, nothing is changed
   * @throws what `change` throws; RelockError within another `update`; StillReadingError where it would wait for this thread
   *   itself; ArgumentRangeError
   */
  update(change: (draft: RcuView) => void, options: LockOptions = {}): RcuOutcome {
    const { timeoutMs = Infinity } = options;
    const deadline = timeoutMs === Infinity ? Infinity : deadlineAfter(timeoutMs);
    if (this.#updaters.acquire(timeoutMs) === LOCK_TIMED_OUT) return 'timedOut';
    try {
      const version = this.#pick(deadline);
      if (version === RCU_NO_VERSION) return 'timedOut';
      this.#kernel.copyVersion(this.#cell, version);
      change(this.#views[version] as RcuView);
      this.#kernel.publishVersion(this.#cell, version);
      return 'done';
    } finally {
      this.#updaters.unlock();
    }
  }

  /**
   * Waits until all read sections have ended that began before: what they got is used by nobody then. Blocks the thread.
   * @throws StillReadingError where this thread reads; ArgumentRangeError
   */
  synchronize(options: LockOptions = {}): RcuOutcome {
    const deadline = deadlineAfter(options.timeoutMs ?? Infinity);
    this.#refuseReading('wait for readers');
    return this.#await(this.#kernel.nextEpoch(this.#cell), deadline);
  }

  /**
   * `synchronize` without blocking the event loop.
   * @returns rejects with `signal.reason` where it is aborted, and as `synchronize` throws
   */
  async synchronizeAsync(options: WaitAsyncOptions = {}): Promise<RcuOutcome> {
    const { timeoutMs = Infinity, signal } = options;
    checkTimeout(timeoutMs);
    signal?.throwIfAborted();
    this.#refuseReading('wait for readers');
    const deadline = deadlineAfter(timeoutMs);
    const epoch = this.#kernel.nextEpoch(this.#cell);
    const { i32 } = this.#arena;
    const waiters = (this.#cell >> 2) + rcuRoot.word.waiters;
    const ended = (this.#cell >> 2) + rcuRoot.word.ended;
    Atomics.add(i32, waiters, 1); // publish: before the look; pairs with the load in quiesce
    try {
      while (true) {
        const turn = Atomics.load(i32, ended); // observe: before the look; pairs with the bump in quiesce
        if (this.#kernel.awaitReaders(this.#cell, epoch, 0) === 1) return 'done';
        const leftMs = deadline - performance.now();
        if (leftMs <= 0) return 'timedOut';
        await waitForWord(i32, ended, turn, leftMs, signal);
      }
    } finally {
      Atomics.sub(i32, waiters, 1);
      if (signal?.aborted) Atomics.notify(i32, ended); // takes the entry that was aborted out of the queue
    }
  }

  /**
   * To be called, by any thread, after a thread has ended that may have used the cell: its read sections end, its slot is free, and
   * an update that it had not published was never made.
   * @param threadId `worker.threadId`, kept from before its exit
   * @returns whether it read or updated
   * @throws ArgumentRangeError
   */
  recover(threadId: number): boolean {
    return this.#kernel.recoverRcu(this.#cell, deadThread(threadId), THIS_THREAD) !== 0;
  }

  /** This thread will not read for long: another one may have its place. @throws StillReadingError where it reads */
  leave(): void {
    this.#seat.leave();
  }

  #refuseReading(wanted: string): void {
    const reads = this.#seat.depthOfThread;
    if (reads > 0) throw new StillReadingError(THIS_THREAD - 1, wanted, reads);
  }

  /** A version to write, waiting for readers where there is none. */
  #pick(deadline: number): number {
    let version = this.#kernel.pickVersion(this.#cell);
    while (version === RCU_NO_VERSION) {
      this.#refuseReading('update, with readers in every version');
      // The oldest is free when all have ended that read now.
      if (this.#await(this.#kernel.nextEpoch(this.#cell), deadline) === 'timedOut') return RCU_NO_VERSION;
      version = this.#kernel.pickVersion(this.#cell);
    }
    return version;
  }

  #await(epoch: number, deadline: number): RcuOutcome {
    while (this.#kernel.awaitReaders(this.#cell, epoch, sliceUs(deadline)) === 0)
      if (performance.now() >= deadline) return 'timedOut';
    return 'done';
  }
}

/** @throws ArgumentRangeError */
function check(name: string, found: number, least: number, most: number): void {
  if (!Number.isInteger(found) || found < least || found > most)
    throw new ArgumentRangeError(name, found, `an integer from ${least} to ${most}`);
}

type Shape = Required<RcuCellOptions>;

function payloadsAt({ versions, maxReaders }: Shape): number {
  const records = rcuRoot.bytes + maxReaders * readerSlot.bytes;
  return alignUp(records + versions * rcuVersion.bytes, LINE_BYTES);
}

function lengthFor(shape: Shape): number {
  return payloadsAt(shape) + shape.versions * alignUp(shape.payloadBytes, LINE_BYTES);
}
