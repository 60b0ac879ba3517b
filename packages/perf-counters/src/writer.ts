// A writer: the slots that one thread at a time writes to. A thread claims one when it attaches and releases it when it is done; the
// slots stay, with their counts, and whoever claims the writer next goes on counting in them.
import { alignUp, amount, LINE_BYTES, type Arena } from '@corelane/shared-memory';
import { WritersExhaustedError } from './errors.ts';
import {
  directoryEntry,
  registryRoot,
  WRITER_CLAIMED,
  WRITER_FREE,
  WRITER_RECLAIMING,
  writerRecord,
} from './layout.ts';

/** Guessed: room for 64 counters; a histogram has lines of its own. */
const CHUNK_BYTES = 1024;
const LARGEST_IN_CHUNK_BYTES = 256;
const SLOT_ALIGN_BYTES = 8;
/** Of a counter. */
export const LEAST_SLOT_BYTES = amount.bytes;

/** Where the records and directories of a registry lie, and how many there are. */
export interface WriterTable {
  readonly arena: Arena;
  readonly at: number;
  readonly writers: number;
  readonly series: number;
  /** When the registry was made: milliseconds since 1970. */
  readonly createdAtMs: number;
  /** Whether anyone records. */
  readonly isEnabled: boolean;
}

export interface WriterState {
  /** 0-based. */
  readonly writer: number;
  /** Whether a thread holds it. */
  readonly claimed: boolean;
  /** Of the thread that holds it, or held it last; -1 where it was never claimed, or just now. */
  readonly threadId: number;
  /** Times it was claimed. */
  readonly claims: number;
}

export function directoryBytes(series: number): number {
  return alignUp(series * directoryEntry.bytes, LINE_BYTES);
}

export function tableBytes(writers: number, series: number): number {
  return registryRoot.bytes + writers * (writerRecord.bytes + directoryBytes(series));
}

/** Byte address of the record of a writer. */
export function recordAt(table: WriterTable, writer: number): number {
  return table.at + registryRoot.bytes + writer * writerRecord.bytes;
}

function recordWord(table: WriterTable, writer: number): number {
  return recordAt(table, writer) >> 2;
}

/** Byte address of the directory entry that a writer has for a series. */
export function entryAt(table: WriterTable, writer: number, series: number): number {
  const directories = table.at + registryRoot.bytes + table.writers * writerRecord.bytes;
  return (
    directories +
    writer * directoryBytes(table.series) +
    series * directoryEntry.bytes +
    directoryEntry.offset.slot
  );
}

function entryWord(table: WriterTable, writer: number, series: number): number {
  return entryAt(table, writer, series) >> 2;
}

/**
 * Address of the slot that a writer has for a series, 0 where it has none. What is in shared memory may come from anyone who has the handle: an
 * address at which no slot of so many bytes can lie is passed over, here as in the kernel (slot-sums.ts).
 */
export function slotAt(table: WriterTable, writer: number, series: number, bytes: number): number {
  // observe: pairs with the store in Writer.openSlot.
  const at = Atomics.load(table.arena.i32, entryWord(table, writer, series));
  return at > 0 && at % SLOT_ALIGN_BYTES === 0 && at + bytes <= table.arena.bytes ? at : 0;
}

export function writerState(table: WriterTable, writer: number): WriterState {
  const { i32 } = table.arena;
  const record = recordWord(table, writer);
  const claims = Atomics.load(i32, record + writerRecord.word.claims);
  const claimed = Atomics.load(i32, record + writerRecord.word.state) !== WRITER_FREE;
  const holder = Atomics.load(i32, record + writerRecord.word.threadId);
  // Below 0: of one that has left. Who has claimed it since has not said who it is.
  const last = holder >= 0 ? holder : claimed ? -1 : ~holder;
  return { writer, claimed, threadId: claims === 0 ? -1 : last, claims };
}

/**
 * Takes a dead thread's name off its writer, which only one of those who reclaim does, and only before anybody has claimed it again.
 * @returns false where it has no longer that name
 */
export function takeName(table: WriterTable, writer: number, deadThreadId: number): boolean {
  const word = recordWord(table, writer) + writerRecord.word.threadId;
  // Pairs with the stores of the id in Writer.claim and release.
  return Atomics.compareExchange(table.arena.i32, word, deadThreadId, ~deadThreadId) === deadThreadId;
}

/**
 * Takes a writer from a thread that has ended without releasing it.
 * @param clean gets the writer before others can claim it
 * @returns false where nobody held it
 */
export function reclaimWriter(table: WriterTable, writer: number, clean: () => void): boolean {
  const { i32 } = table.arena;
  const state = recordWord(table, writer) + writerRecord.word.state;
  // Takes the writer away from its holder: pairs with the claim in Writer.claim, which then finds it neither free nor held twice.
  if (Atomics.compareExchange(i32, state, WRITER_CLAIMED, WRITER_RECLAIMING) !== WRITER_CLAIMED) return false;
  clean();
  const { threadId } = writerState(table, writer);
  if (threadId >= 0) takeName(table, writer, threadId);
  Atomics.store(i32, state, WRITER_FREE); // publish: hands over all slots; pairs with Writer.claim
  return true;
}

export class Writer {
  readonly index: number;
  readonly #table: WriterTable;
  readonly #record: number;

  private constructor(table: WriterTable, index: number) {
    this.index = index;
    this.#table = table;
    this.#record = recordWord(table, index);
  }

  /** Claims the first free writer, for good reason one that was used before if there is one. @throws WritersExhaustedError */
  static claim(table: WriterTable, threadId: number): Writer {
    const { i32 } = table.arena;
    for (let index = 0; index < table.writers; index++) {
      const record = recordWord(table, index);
      // observe: pairs with the stores of WRITER_FREE; takes over the chunk and all slots.
      if (
        Atomics.compareExchange(i32, record + writerRecord.word.state, WRITER_FREE, WRITER_CLAIMED) !==
        WRITER_FREE
      )
        continue;
      Atomics.store(i32, record + writerRecord.word.threadId, threadId);
      Atomics.add(i32, record + writerRecord.word.claims, 1);
      return new Writer(table, index);
    }
    const holders = Array.from({ length: table.writers }, (_, index) => writerState(table, index).threadId);
    throw new WritersExhaustedError(table.writers, holders);
  }

  /**
   * The slot of this writer for a series; a new one is zeroed and published.
   * @param initialize gets a new slot before anyone can see it
   * @param repair gets a slot that a holder before has left
   * @returns its address
   */
  openSlot(
    series: number,
    bytes: number,
    initialize: (at: number) => void,
    repair: (at: number) => void,
  ): number {
    const { i32 } = this.#table.arena;
    const known = slotAt(this.#table, this.index, series, bytes);
    if (known !== 0) {
      repair(known);
      return known;
    }
    const at = this.#allocate(alignUp(bytes, SLOT_ALIGN_BYTES));
    initialize(at);
    // publish: the initialised slot; pairs with the load in slotAt.
    Atomics.store(i32, entryWord(this.#table, this.index, series), at);
    return at;
  }

  release(): void {
    const { threadId } = writerState(this.#table, this.index);
    if (threadId >= 0) takeName(this.#table, this.index, threadId);
    // publish: hands over the chunk and all slots; pairs with claim.
    Atomics.store(this.#table.arena.i32, this.#record + writerRecord.word.state, WRITER_FREE);
  }

  #allocate(bytes: number): number {
    const { arena } = this.#table;
    const { i32 } = arena;
    if (bytes > LARGEST_IN_CHUNK_BYTES) return arena.allocate(alignUp(bytes, LINE_BYTES), LINE_BYTES);
    const nextWord = this.#record + writerRecord.word.chunkNext;
    const endWord = this.#record + writerRecord.word.chunkEnd;
    let next = i32[nextWord] as number;
    if (next + bytes > (i32[endWord] as number)) {
      next = arena.allocate(CHUNK_BYTES, LINE_BYTES);
      // First the new start, then the new end: a thread that dies between them leaves a chunk without room, not a wrong one. The
      // arena only grows, so the new start is beyond the old end.
      Atomics.store(i32, nextWord, next);
      Atomics.store(i32, endWord, next + CHUNK_BYTES);
    }
    Atomics.store(i32, nextWord, next + bytes);
    return next;
  }
}
