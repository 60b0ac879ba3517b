// Shared memory that all threads of a scheduler know by number: the arena, which is number 0, and what option `memory` names.
import { ArgumentRangeError, LINE_BYTES, type Arena } from '@corelane/shared-memory';

const UNKNOWN = -1;
/** Memories that a client lends have numbers from here on: its place and visit, which nobody has at the same time, and a count. */
const LENT_FROM = 2 ** 42;
const LENT_VISIT = 2 ** 26;
/** What a worker keeps of them, the last ones that it used. Guessed. */
const MOST_BORROWED = 16;
const MOST_BORROWED_BYTES = 64 * 2 ** 20;

/** The first number of what a client lends. */
export function lentFrom(party: number, visit: number): number {
  return party * LENT_FROM + (visit & 0xffff) * LENT_VISIT;
}

export function isLent(number: number): boolean {
  return number >= LENT_FROM;
}

export class SharedMemories {
  readonly #all: SharedArrayBuffer[];
  /** Another object for the same memory is found once. */
  readonly #numbers = new WeakMap<SharedArrayBuffer, number>();
  readonly #arenaHead: Buffer;
  /** By number; what was used last comes last. */
  readonly #borrowed = new Map<number, SharedArrayBuffer>();
  #borrowedBytes = 0;

  constructor(arena: Arena) {
    const buffer = arena.u8.buffer as unknown as SharedArrayBuffer;
    this.#all = [buffer];
    this.#numbers.set(buffer, 0);
    this.#arenaHead = headOf(buffer);
  }

  /** Adds memory: on every thread the same in the same order. @throws ArgumentRangeError */
  add(memories: readonly SharedArrayBuffer[]): void {
    if (!Array.isArray(memories))
      throw new ArgumentRangeError('memory', memories, 'an array of SharedArrayBuffers');
    for (const memory of memories as readonly SharedArrayBuffer[]) {
      if (!(memory instanceof SharedArrayBuffer))
        throw new ArgumentRangeError('memory', memory, 'an array of SharedArrayBuffers');
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
    if (!isLent(number)) return this.#all[number];
    const memory = this.#borrowed.get(number);
    if (memory !== undefined && this.#borrowed.size > 1) {
      this.#borrowed.delete(number);
      this.#borrowed.set(number, memory);
    }
    return memory;
  }

  /** Whether a memory that a client lends is here. */
  has(number: number): boolean {
    return this.#borrowed.has(number);
  }

  /** Keeps what a client lends, in the place of what was not used for long: always the one that was given last. */
  borrow(number: number, memory: SharedArrayBuffer): void {
    this.#borrowed.set(number, memory);
    this.#borrowedBytes += memory.byteLength;
    for (const [oldest, { byteLength }] of this.#borrowed) {
      if (this.#borrowed.size <= MOST_BORROWED && this.#borrowedBytes <= MOST_BORROWED_BYTES) break;
      if (oldest === number) break;
      this.#borrowed.delete(oldest);
      this.#borrowedBytes -= byteLength;
    }
  }
}

function headOf(memory: SharedArrayBuffer): Buffer {
  return Buffer.from(memory as unknown as ArrayBuffer, 0, Math.min(LINE_BYTES, memory.byteLength));
}
