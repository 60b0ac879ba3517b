// Shared memory that all threads of a scheduler know by number: the arena, which is number 0, and what option `memory` names.
import { LINE_BYTES, type Arena } from '@corelane/shared-memory';

const UNKNOWN = -1;

export class SharedMemories {
  readonly #all: SharedArrayBuffer[];
  /** Another object for the same memory is found once. */
  readonly #numbers = new WeakMap<SharedArrayBuffer, number>();
  readonly #arenaHead: Buffer;

  constructor(arena: Arena) {
    const buffer = arena.u8.buffer as unknown as SharedArrayBuffer;
    this.#all = [buffer];
    this.#numbers.set(buffer, 0);
    this.#arenaHead = headOf(buffer);
  }

  /** Adds memory: on every thread the same in the same order. */
  add(memories: readonly SharedArrayBuffer[]): void {
    for (const memory of memories) {
      this.#numbers.set(memory, this.#all.length);
      this.#all.push(memory);
    }
  }

  /** @returns -1 where it is not known */
  numberOf(memory: SharedArrayBuffer): number {
    const known = this.#numbers.get(memory);
    if (known !== undefined) return known;
    // Each structured clone of a memory is another object. The head of an arena has a random number in it.
    const isArena = memory.byteLength === this.#all[0]?.byteLength && headOf(memory).equals(this.#arenaHead);
    const found = isArena ? 0 : UNKNOWN;
    this.#numbers.set(memory, found);
    return found;
  }

  at(number: number): SharedArrayBuffer | undefined {
    return this.#all[number];
  }
}

function headOf(memory: SharedArrayBuffer): Buffer {
  return Buffer.from(memory as unknown as ArrayBuffer, 0, Math.min(LINE_BYTES, memory.byteLength));
}
