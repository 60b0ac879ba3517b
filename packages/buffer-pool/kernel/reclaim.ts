// What an owner held that has ended: PROTOCOL.md, section 3.
import { compareExchange64, get, high, load64, low, set } from '@corelane/shared-memory/kernel/atomics';
import { drainCache } from './free-list.ts';
import { returnNote } from './lease.ts';
import {
  BUFFER_FREE,
  BUFFER_KERNEL,
  BUFFER_LEASED,
  BUFFER_ORPHAN,
  BUFFER_RECORD_WORD,
  BUFFER_RESERVED,
  LEASE_ENDED,
  LEASE_FOREIGN,
  LEASE_ORPHANED,
  NO_LEASE,
} from './layout.generated.ts';
import { held, recordOf, stateOf } from './record.ts';

/**
 * Ends whatever lease `dead` has of this buffer; what the kernel has of it becomes an orphan.
 * @returns LEASE_ENDED: the caller, `owner`, holds the buffer until `returnBuffer`; LEASE_ORPHANED; LEASE_FOREIGN where `dead` has
 * no lease of it
 */
export function reclaimLease(pool: i32, index: i32, dead: i32, owner: i32): i32 {
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  const returning = returnNote(pool, owner);
  load64(word);
  while (true) {
    const holder = low();
    const current = high();
    if (holder == held(BUFFER_KERNEL, dead)) {
      // publish: as in orphanLease. Only who knows that the kernel is done may end it: takeLease, settleLease.
      if (compareExchange64(word, holder, current, held(BUFFER_ORPHAN, dead), current) != 0) {
        set(returning, 0);
        return LEASE_ORPHANED;
      }
      continue;
    }
    if (holder != held(BUFFER_LEASED, dead)) {
      set(returning, 0);
      return LEASE_FOREIGN;
    }
    set(returning, (index + 1) | 0); // of none that is free: see endLease
    // publish: against the release of a thread that is still alive, an adoption, and another reclaim. Pairs with the same in
    // transition and adoptLease.
    if (compareExchange64(word, holder, current, held(BUFFER_FREE, owner), (current + 1) | 0) != 0)
      return LEASE_ENDED;
  }
}

/**
 * Takes the buffer that `dead` had ended its lease of and not yet pushed. Only once that thread has ended: then its `returning` says
 * so for certain, since it can't have been terminated between the push and the word's reset.
 * @returns the index, which the caller, `owner`, holds until `returnBuffer`, or `reserveBuffer` where it is reserved; NO_LEASE where
 * there is none
 */
export function recoverBuffer(pool: i32, dead: i32, owner: i32): i32 {
  const index = (get(returnNote(pool, dead)) - 1) | 0;
  if (index < 0) return NO_LEASE;
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  load64(word);
  // Of several that reclaim, one succeeds: the word then no longer names `dead`.
  const state = stateOf(low());
  if (low() != held(state, dead) || (state != BUFFER_FREE && state != BUFFER_RESERVED)) return NO_LEASE;
  set(returnNote(pool, owner), (index + 1) | 0);
  if (compareExchange64(word, low(), high(), held(state, owner), high()) != 0) return index;
  set(returnNote(pool, owner), 0);
  return NO_LEASE;
}

/** Returns to the shared list what `dead`, an owner that has ended or the caller itself, had in its cache and in hand. */
export function reclaimCache(pool: i32, dead: i32, owner: i32): void {
  drainCache(pool, dead, owner);
}
