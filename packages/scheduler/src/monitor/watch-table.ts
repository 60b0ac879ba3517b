// What workers have counted of polls, in shared memory: each worker for itself, and all of them for the names of tasks.
import { AttachError, type Arena } from '@corelane/shared-memory';
import { nameWatch, watchRoot, workerWatch } from './layout.ts';

export type NameCount = keyof typeof nameWatch.word;

export class WatchTable {
  readonly at: number;
  readonly names: number;
  readonly workers: number;
  readonly i32: Int32Array;
  readonly #workersAt: number;
  readonly #namesAt: number;

  private constructor(arena: Arena, at: number, names: number, workers: number) {
    this.at = at;
    this.names = names;
    this.workers = workers;
    this.i32 = arena.i32;
    this.#workersAt = at + watchRoot.bytes;
    this.#namesAt = this.#workersAt + workers * workerWatch.bytes;
  }

  static bytesFor(names: number, workers: number): number {
    return watchRoot.bytes + workers * workerWatch.bytes + names * nameWatch.bytes;
  }

  /** @throws ArenaExhaustedError */
  static create(arena: Arena, names: number, workers: number): WatchTable {
    const at = arena.createObject(watchRoot, WatchTable.bytesFor(names, workers));
    arena.i32[(at >> 2) + watchRoot.word.names] = names;
    arena.i32[(at >> 2) + watchRoot.word.workers] = workers;
    return new WatchTable(arena, at, names, workers);
  }

  /** @throws AttachError */
  static attach(arena: Arena, at: number, names: number, workers: number): WatchTable {
    const { lengthBytes } = arena.openObject(watchRoot, arena.objectHandle(watchRoot.name, at));
    for (const [what, expected] of Object.entries({ names, workers })) {
      const found = arena.i32[(at >> 2) + watchRoot.word[what as 'names' | 'workers']] as number;
      if (found !== expected) throw new AttachError(watchRoot.name, what, found, expected);
    }
    const expected = WatchTable.bytesFor(names, workers);
    if (lengthBytes !== expected)
      throw new AttachError(watchRoot.name, 'length in bytes', lengthBytes, expected);
    return new WatchTable(arena, at, names, workers);
  }

  /** Word of the version of hooks. */
  get hooksWord(): number {
    return (this.at >> 2) + watchRoot.word.hooks;
  }

  /** Word of the first count of a worker, from 0. */
  workerWord(worker: number): number {
    return (this.#workersAt + worker * workerWatch.bytes) >> 2;
  }

  /** Adds to a count of a name. */
  count(name: number, which: NameCount, by: number): void {
    Atomics.add(this.i32, this.#nameWord(name, which), by); // for readers of stats alone
  }

  countOf(name: number, which: NameCount): number {
    return Atomics.load(this.i32, this.#nameWord(name, which)) >>> 0;
  }

  #nameWord(name: number, which: NameCount): number {
    return ((this.#namesAt + name * nameWatch.bytes) >> 2) + nameWatch.word[which];
  }
}
