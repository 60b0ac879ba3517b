// One buffer more, or one set aside, with its pages.
import { PoolCorruptedError } from './errors.ts';
import { FROM_FREE, FROM_RESERVE, LEASE_BROKEN, LEASE_ENDED } from './layout.ts';
import type { PoolMemory } from './pool-memory.ts';
import type { Pinner } from './ports.ts';
import { endLease, refusal } from './transitions.ts';

/** Pages of the system are at least that large; where they are larger, the pinner refuses what is none. */
const PAGE_BYTES = 4096;

export class PoolResize {
  readonly #memory: PoolMemory;
  readonly #owner: number;
  readonly #pinner: Pinner;

  constructor(memory: PoolMemory, owner: number, pinner: Pinner) {
    this.#memory = memory;
    this.#owner = owner;
    this.#pinner = pinner;
  }

  /** @returns false where the reserve is empty */
  grow(): boolean {
    const token = this.#take(FROM_RESERVE);
    if (token < 0) return false;
    const memory = this.#memory;
    const index = memory.indexOf(token);
    if (this.#hasPages && memory.pinned) attempt(() => this.#pinner.pin(memory.strideOf(index)));
    endLease(memory, index, token >> memory.indexBits, memory.tokenMask, this.#owner);
    return true;
  }

  /** @returns false where none is free */
  shrink(): boolean {
    const token = this.#take(FROM_FREE);
    if (token < 0) return false;
    const memory = this.#memory;
    const index = memory.indexOf(token);
    if (this.#hasPages && this.#pinner.release !== undefined) {
      const pages = memory.strideOf(index); // ours: leased
      if (memory.pinned) attempt(() => this.#pinner.unpin(pages));
      attempt(() => this.#pinner.release?.(pages));
    }
    const generation = token >> memory.indexBits;
    const { kernel, at, tokenMask } = memory;
    const outcome = kernel.retireLease(at, index, generation, tokenMask, this.#owner);
    if (outcome !== LEASE_ENDED)
      throw refusal('retire', memory, index, generation, tokenMask, outcome, this.#owner);
    return true;
  }

  get #hasPages(): boolean {
    const { alignBytes } = this.#memory;
    return alignBytes % PAGE_BYTES === 0;
  }

  #take(source: number): number {
    const token = this.#memory.kernel.acquireLease(this.#memory.at, this.#owner, source);
    if (token === LEASE_BROKEN) throw new PoolCorruptedError();
    return token;
  }
}

/** A pinner that throws has not done it; the buffer, which is in hand here, is good all the same. */
function attempt(call: () => unknown): void {
  try {
    call();
  } catch {
    // As if it had left it out.
  }
}
