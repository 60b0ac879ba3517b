// Who leases. Each thread (or whatever the host calls an owner) has a slot; its number is the slot and how often that was given
// out, so that what belonged to a thread that ended is never taken for its successor's.
import { ArgumentRangeError, readTally, repairTally } from '@corelane/shared-memory';
import { OwnersExhaustedError, UnknownOwnerError } from './errors.ts';
import { ownerSlot, ownerWord } from './layout.ts';
import type { PoolMemory } from './pool-memory.ts';

const { slot: slotBits, epoch: epochBits, live: liveBit } = ownerWord.field;

/** What is counted in the slot of an owner. */
const STATISTICS = ['acquires', 'ends', 'failures', 'misses', 'refills', 'spills', 'steals'] as const;
export type Statistic = (typeof STATISTICS)[number];

export class Owners {
  readonly #memory: PoolMemory;

  constructor(memory: PoolMemory) {
    this.#memory = memory;
  }

  /** @returns the number of a new owner, never 0 @throws OwnersExhaustedError */
  register(): number {
    const owner = this.tryRegister();
    if (owner === 0) throw new OwnersExhaustedError(this.#memory.owners);
    return owner;
  }

  /** @returns the number of a new owner; 0 where all slots are taken */
  tryRegister(): number {
    const { i32 } = this.#memory.arena;
    for (let slot = 0; slot < this.#memory.owners; slot++) {
      const at = this.#memory.slotWord(slot);
      const word = at + ownerSlot.word.word;
      const last = Atomics.load(i32, word);
      if ((last & liveBit.one) !== 0) continue;
      const owner = nextOwner(slot, last);
      // claim: against every other registration; the winner has the slot.
      if (Atomics.compareExchange(i32, word, last, owner | liveBit.one) !== last) continue;
      i32[at + ownerSlot.word.returning] = 0;
      i32[at + ownerSlot.word.waiting] = 0;
      i32[at + ownerSlot.word.cached] = 0;
      this.#repair(at);
      this.#see(slot + 1);
      return owner;
    }
    return 0;
  }

  /**
   * A new number in the slot of an owner that has ended, with the notes of what that had in hand: for who reclaims it and has no slot.
   * @returns 0 where somebody else has reclaimed it
   */
  succeed(dead: number): number {
    const { i32 } = this.#memory.arena;
    const slot = dead & slotBits.mask;
    const at = this.#memory.slotWord(slot);
    const owner = nextOwner(slot, dead);
    // claim: against everybody else who reclaims; pairs with the CAS in free.
    const found = Atomics.compareExchange(
      i32,
      at + ownerSlot.word.word,
      dead | liveBit.one,
      owner | liveBit.one,
    );
    if (found !== (dead | liveBit.one)) return 0;
    this.#repair(at);
    return owner;
  }

  /** The owner before may have died in the middle of a carry. */
  #repair(at: number): void {
    for (const name of STATISTICS) repairTally(this.#memory.arena.i32, at + ownerSlot.word[name]);
  }

  /** From now on others look for buffers in the caches of the first `slots` slots. Before the owner has any. */
  #see(slots: number): void {
    const { arena, ownersSeenWord } = this.#memory;
    let seen = Atomics.load(arena.i32, ownersSeenWord);
    // publish: only ever upwards; pairs with the load in takeShared.
    while (seen < slots) {
      const found = Atomics.compareExchange(arena.i32, ownersSeenWord, seen, slots);
      if (found === seen) return;
      seen = found;
    }
  }

  isLive(owner: number): boolean {
    return this.#observe(owner) === (owner | liveBit.one);
  }

  /** @throws UnknownOwnerError */
  checkLive(owner: number): void {
    const found = this.#observe(owner);
    if (found === (owner | liveBit.one)) return;
    const now = found & ~liveBit.one;
    throw new UnknownOwnerError(
      owner,
      found === now ? `its slot is free, last had by ${now}` : `its slot was given to ${now}`,
    );
  }

  /** Gives the slot back. @returns false where somebody else has done so */
  free(owner: number): boolean {
    const { i32 } = this.#memory.arena;
    const at = this.#memory.slotWord(owner & slotBits.mask);
    const waiting = i32[at + ownerSlot.word.waiting] === 1;
    const word = at + ownerSlot.word.word;
    // Of several that reclaim, one succeeds. Pairs with the CAS in register.
    if (Atomics.compareExchange(i32, word, owner | liveBit.one, owner) !== (owner | liveBit.one))
      return false;
    if (waiting) Atomics.sub(i32, this.#memory.waitersWord, 1); // what announceWaiter added
    return true;
  }

  /** Word index of the tally of a statistic of an owner. */
  counter(owner: number, name: Statistic): number {
    return this.#memory.slotWord(owner & slotBits.mask) + ownerSlot.word[name];
  }

  /** A statistic over all owners there ever were. */
  sum(name: Statistic): number {
    let sum = 0;
    for (let slot = 0; slot < this.#memory.owners; slot++)
      sum += readTally(this.#memory.arena.i32, this.counter(slot, name));
    return sum;
  }

  /** @throws ArgumentRangeError for what is no owner's number */
  checkNumber(owner: number): void {
    this.#observe(owner);
  }

  #observe(owner: number): number {
    const known = typeof owner === 'number' && owner === (owner | 0) && owner > slotBits.mask;
    const slot = known && owner < liveBit.one ? owner & slotBits.mask : this.#memory.owners;
    if (slot >= this.#memory.owners)
      throw new ArgumentRangeError('owner', owner, 'a number that register() returned');
    return Atomics.load(this.#memory.arena.i32, this.#memory.slotWord(slot) + ownerSlot.word.word);
  }
}

/** The number that follows one of the same slot, or 0, live or not. */
function nextOwner(slot: number, before: number): number {
  const epoch = (((before >>> epochBits.shift) & epochBits.mask) % epochBits.mask) + 1; // 1 to mask: never 0
  return slot | (epoch << epochBits.shift);
}
