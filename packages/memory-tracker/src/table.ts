// Where the parts of a tracker lie, and the claims on its workers.
import {
  alignUp,
  Arena,
  AttachError,
  LINE_BYTES,
  NameTable,
  type NameTableHandle,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { WorkersExhaustedError } from './errors.ts';
import {
  BYTES_HIGH_MASK,
  tagCell,
  trackerRoot,
  WORKER_CLAIMED,
  WORKER_FREE,
  workerRecord,
  workerSlot,
} from './layout.ts';
import { repairSlot } from './slot-words.ts';

export const MAX_TAGS = 4096;
export const MAX_WORKERS = 1024;

/** Plain data that travels through `workerData` and `postMessage`. */
export type MemoryTrackerHandle = ObjectHandle<'memory-tracker/tracker'>;

export interface WorkerState {
  /** 0-based. */
  readonly worker: number;
  /** Whether a thread holds it. */
  readonly claimed: boolean;
  /** Of the thread that holds it, or held it last; -1 where it was never claimed, or just now. */
  readonly threadId: number;
  /** Times it was claimed. */
  readonly claims: number;
}

export class TrackerTable {
  readonly arena: Arena;
  readonly at: number;
  readonly tags: number;
  readonly workers: number;
  readonly names: NameTable;

  constructor(arena: Arena, at: number, tags: number, workers: number, names: NameTable) {
    this.arena = arena;
    this.at = at;
    this.tags = tags;
    this.workers = workers;
    this.names = names;
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena, tags: number, workers: number): TrackerTable {
    const names = NameTable.create(arena, { capacity: tags });
    const at = arena.createObject(trackerRoot, lengthBytes(tags, workers));
    const base = at >> 2;
    arena.i32[base + trackerRoot.word.tags] = tags;
    arena.i32[base + trackerRoot.word.workers] = workers;
    arena.i32[base + trackerRoot.word.namesAt] = names.handle.at;
    const table = new TrackerTable(arena, at, tags, workers, names);
    for (let tag = 0; tag < tags; tag++) table.#liftLimits(tag);
    return table;
  }

  /** @throws AttachError */
  static open(handle: MemoryTrackerHandle, given?: Arena): TrackerTable {
    const arena = given ?? Arena.attach(handle?.arena);
    const { at, lengthBytes: found } = arena.openObject(trackerRoot, handle);
    const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
    const tags = read(trackerRoot.word.tags);
    const workers = read(trackerRoot.word.workers);
    if (!(tags >= 1 && tags <= MAX_TAGS))
      throw new AttachError(trackerRoot.name, 'tags', tags, `1 to ${MAX_TAGS}`);
    if (!(workers >= 1 && workers <= MAX_WORKERS))
      throw new AttachError(trackerRoot.name, 'workers', workers, `1 to ${MAX_WORKERS}`);
    const expected = lengthBytes(tags, workers);
    if (found !== expected) throw new AttachError(trackerRoot.name, 'length in bytes', found, expected);
    const namesAt = read(trackerRoot.word.namesAt);
    const names = NameTable.attach(
      arena.objectHandle<NameTableHandle['kind']>('shared-memory/name-table', namesAt),
      arena,
    );
    if (names.capacity !== tags)
      throw new AttachError(trackerRoot.name, 'capacity of names', names.capacity, tags);
    return new TrackerTable(arena, at, tags, workers, names);
  }

  get handle(): MemoryTrackerHandle {
    return this.arena.objectHandle('memory-tracker/tracker', this.at);
  }

  /** Where workers claimed or not have recorded under a tag. */
  slotsOf(tag: number): number[] {
    return Array.from({ length: this.workers }, (_, worker) => this.slotAt(worker, tag));
  }

  /** Address of the shared cell of a tag. */
  tagAt(tag: number): number {
    return this.at + trackerRoot.bytes + this.workers * workerRecord.bytes + tag * tagCell.bytes;
  }

  /** Address of what a worker has recorded under a tag. */
  slotAt(worker: number, tag: number): number {
    return this.tagAt(this.tags) + worker * slotsBytes(this.tags) + tag * workerSlot.bytes;
  }

  slotWords(worker: number, tag: number): Int32Array {
    const at = this.slotAt(worker, tag);
    return this.arena.i32.subarray(at >> 2, (at + workerSlot.bytes) >> 2);
  }

  /** Claims the first worker that nobody holds. @throws WorkersExhaustedError */
  claim(threadId: number): number {
    const { i32 } = this.arena;
    for (let worker = 0; worker < this.workers; worker++) {
      const record = this.#recordWord(worker);
      // observe: pairs with the store in free and the CAS in reclaim; takes over all slots of the worker.
      const found = Atomics.compareExchange(
        i32,
        record + workerRecord.word.state,
        WORKER_FREE,
        WORKER_CLAIMED,
      );
      if (found !== WORKER_FREE) continue;
      Atomics.store(i32, record + workerRecord.word.threadId, threadId);
      Atomics.add(i32, record + workerRecord.word.claims, 1);
      return worker;
    }
    const holders = Array.from({ length: this.workers }, (_, worker) => this.stateOf(worker).threadId);
    throw new WorkersExhaustedError(this.workers, holders);
  }

  /** Only for the holder. */
  free(worker: number): void {
    this.#takeName(worker);
    // publish: hands over all slots of the worker; pairs with claim.
    Atomics.store(this.arena.i32, this.#recordWord(worker) + workerRecord.word.state, WORKER_FREE);
  }

  /** @returns false where nobody held it */
  reclaim(worker: number): boolean {
    const word = this.#recordWord(worker) + workerRecord.word.state;
    if (Atomics.load(this.arena.i32, word) !== WORKER_CLAIMED) return false;
    this.#takeName(worker);
    // While nobody can claim it: what nobody claims again is to be read right, too.
    for (let tag = 0; tag < this.names.size; tag++) repairSlot(this.slotWords(worker, tag));
    // pairs with claim.
    return Atomics.compareExchange(this.arena.i32, word, WORKER_CLAIMED, WORKER_FREE) === WORKER_CLAIMED;
  }

  /**
   * Takes a dead thread's name off its worker, which only one of those who reclaim does, and only before anybody has claimed it again.
   * @returns false where it has no longer that name
   */
  takeName(worker: number, deadThreadId: number): boolean {
    const word = this.#recordWord(worker) + workerRecord.word.threadId;
    // Pairs with the stores of the id in claim and free.
    return Atomics.compareExchange(this.arena.i32, word, deadThreadId, ~deadThreadId) === deadThreadId;
  }

  #takeName(worker: number): void {
    const { threadId } = this.stateOf(worker);
    if (threadId >= 0) this.takeName(worker, threadId);
  }

  stateOf(worker: number): WorkerState {
    const { i32 } = this.arena;
    const record = this.#recordWord(worker);
    const claims = Atomics.load(i32, record + workerRecord.word.claims);
    const claimed = Atomics.load(i32, record + workerRecord.word.state) === WORKER_CLAIMED;
    const holder = Atomics.load(i32, record + workerRecord.word.threadId);
    // Below 0: of one that has left. Who has claimed it since has not said who it is.
    const last = holder >= 0 ? holder : claimed ? -1 : ~holder;
    return { worker, claimed, threadId: claims === 0 ? -1 : last, claims };
  }

  /** Before anybody has the handle. */
  #liftLimits(tag: number): void {
    for (const field of [tagCell.word.hard, tagCell.word.soft]) {
      const word = (this.tagAt(tag) >> 2) + field;
      this.arena.i32[word] = -1;
      this.arena.i32[word + 1] = BYTES_HIGH_MASK;
    }
  }

  #recordWord(worker: number): number {
    return (this.at + trackerRoot.bytes + worker * workerRecord.bytes) >> 2;
  }
}

/** Slots of one worker: on lines that no other worker writes. */
function slotsBytes(tags: number): number {
  return alignUp(tags * workerSlot.bytes, LINE_BYTES);
}

function lengthBytes(tags: number, workers: number): number {
  return trackerRoot.bytes + tags * tagCell.bytes + workers * (workerRecord.bytes + slotsBytes(tags));
}
