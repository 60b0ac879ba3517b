// Who may touch the bytes of a leased buffer: its user, or the kernel, for an operation. PROTOCOL.md, section 2.
//
// The caller names an operation by a number of its own, which no other operation that is in flight on this pool has. A buffer that
// was given is named by the generation that giving made: neither can be guessed from a lease that ended.
//
// Tried and rejected: the operation in the lease word, in place of the generation. The generation would have to be kept
// beside it, and a late writer of that word would set it back.
import { compareExchange64, high, load64, low, set } from '@corelane/shared-memory/kernel/atomics';
import { returnNote, transition } from './lease.ts';
import {
  BUFFER_FREE,
  BUFFER_KERNEL,
  BUFFER_LEASED,
  BUFFER_ORPHAN,
  BUFFER_RECORD_OPERATION,
  BUFFER_RECORD_WORD,
  LEASE_ENDED,
  LEASE_FOREIGN,
  LEASE_GIVEN,
  LEASE_MISMATCHED,
  LEASE_ORPHANED,
  LEASE_STALE,
  LEASE_TAKEN,
} from './layout.generated.ts';
import { held, recordOf, stateOf } from './record.ts';

/**
 * Gives a leased buffer to the kernel, before the operation is submitted.
 * @returns LEASE_GIVEN, with the next generation; LEASE_STALE or LEASE_FOREIGN where nothing was changed
 */
export function giveLease(
  pool: i32,
  index: i32,
  generation: i32,
  mask: i32,
  operation: i32,
  owner: i32,
): i32 {
  const record = recordOf(pool, index);
  return giveWord(
    record + BUFFER_RECORD_WORD,
    record + BUFFER_RECORD_OPERATION,
    generation,
    mask,
    operation,
    owner,
  );
}

/** The same, of a lease word and the operation word beside it. */
export function giveWord(
  word: i32,
  operationAt: i32,
  generation: i32,
  mask: i32,
  operation: i32,
  owner: i32,
): i32 {
  const outcome = transition(word, generation, mask, held(BUFFER_LEASED, owner), held(BUFFER_KERNEL, owner));
  if (outcome != LEASE_ENDED) return outcome;
  const phase = (high() + 1) | 0; // of the word as it is now
  // After the CAS, so that nobody but the one who gave writes it; until it is written, `phase` is not in it and nothing completes.
  // Nobody else writes until the buffer is given again, so this CAS can only succeed. publish: pairs with observe in takeWord and
  // orphanWord.
  load64(operationAt);
  compareExchange64(operationAt, low(), high(), operation, phase);
  return LEASE_GIVEN;
}

/**
 * The operation is complete: the buffer is the caller's, `owner`.
 * @returns LEASE_TAKEN, leased with the next generation; LEASE_ENDED where it was an orphan: the caller holds the buffer until
 * `returnBuffer`; LEASE_STALE or LEASE_MISMATCHED where nothing was changed
 */
export function takeLease(
  pool: i32,
  index: i32,
  generation: i32,
  mask: i32,
  operation: i32,
  owner: i32,
): i32 {
  const record = recordOf(pool, index);
  const returning = returnNote(pool, owner);
  load64(record + BUFFER_RECORD_WORD);
  const state = stateOf(low());
  // An orphan, or what becomes one meanwhile.
  if (state == BUFFER_KERNEL || state == BUFFER_ORPHAN) {
    set(returning, (index + 1) | 0); // before the CAS that ends an orphan: see endLease
  }
  const outcome = takeWord(
    record + BUFFER_RECORD_WORD,
    record + BUFFER_RECORD_OPERATION,
    generation,
    mask,
    operation,
    owner,
    BUFFER_FREE,
  );
  if (outcome != LEASE_ENDED) set(returning, 0);
  return outcome;
}

/**
 * The same, of a lease word and the operation word beside it.
 * @param orphan state of what nobody waits for, once its operation is complete
 */
export function takeWord(
  word: i32,
  operationAt: i32,
  generation: i32,
  mask: i32,
  operation: i32,
  owner: i32,
  orphan: i32,
): i32 {
  // Before the word: what the caller knows of was given before, so its operation is there.
  load64(operationAt); // observe: pairs with publish in giveWord
  const found = low();
  const phase = high();
  load64(word);
  while (true) {
    const holder = low();
    const current = high();
    const state = stateOf(holder);
    if ((state != BUFFER_KERNEL && state != BUFFER_ORPHAN) || ((current ^ generation) & mask) != 0)
      return LEASE_STALE;
    if (found != operation || phase != current) return LEASE_MISMATCHED;
    const to = held(state == BUFFER_ORPHAN ? orphan : BUFFER_LEASED, owner);
    // publish: hands over what the kernel wrote; of two completions one succeeds. Pairs with the same in orphanWord and
    // settleLease: cancelled before, and the buffer goes back to the pool.
    if (compareExchange64(word, holder, current, to, (current + 1) | 0) != 0)
      return state == BUFFER_ORPHAN ? LEASE_ENDED : LEASE_TAKEN;
  }
}

/**
 * The operation was cancelled, or its owner has ended: whoever completes it returns the buffer to the pool. Until then it stays the kernel's.
 * @returns LEASE_ORPHANED; LEASE_STALE, LEASE_FOREIGN or LEASE_MISMATCHED where nothing was changed
 */
export function orphanLease(
  pool: i32,
  index: i32,
  generation: i32,
  mask: i32,
  operation: i32,
  owner: i32,
): i32 {
  const record = recordOf(pool, index);
  return orphanWord(
    record + BUFFER_RECORD_WORD,
    record + BUFFER_RECORD_OPERATION,
    generation,
    mask,
    operation,
    owner,
  );
}

/** The same, of a lease word and the operation word beside it. */
export function orphanWord(
  word: i32,
  operationAt: i32,
  generation: i32,
  mask: i32,
  operation: i32,
  owner: i32,
): i32 {
  load64(operationAt); // observe: pairs with publish in giveWord
  const found = low();
  const phase = high();
  load64(word);
  while (true) {
    const holder = low();
    const current = high();
    if (stateOf(holder) != BUFFER_KERNEL || ((current ^ generation) & mask) != 0) return LEASE_STALE;
    if (holder != held(BUFFER_KERNEL, owner)) return LEASE_FOREIGN;
    if (found != operation || phase != current) return LEASE_MISMATCHED;
    // The generation stays: it is what names the operation. publish: pairs with the same in takeWord, which then returns the buffer.
    if (compareExchange64(word, holder, current, held(BUFFER_ORPHAN, owner), current) != 0)
      return LEASE_ORPHANED;
  }
}

/**
 * The kernel has nothing of this owner any more, completed or not. The caller, `owner`, holds the buffer until `returnBuffer`.
 * @returns LEASE_ENDED; LEASE_FOREIGN where the kernel has none of `ended` here
 */
export function settleLease(pool: i32, index: i32, ended: i32, owner: i32): i32 {
  const word = recordOf(pool, index) + BUFFER_RECORD_WORD;
  const returning = returnNote(pool, owner);
  load64(word);
  while (true) {
    const holder = low();
    const current = high();
    if (holder != held(BUFFER_KERNEL, ended) && holder != held(BUFFER_ORPHAN, ended)) {
      set(returning, 0);
      return LEASE_FOREIGN;
    }
    set(returning, (index + 1) | 0); // of none that is free: see endLease
    // publish: against a completion that is late, and another settlement. Pairs with the same in takeWord and orphanWord.
    if (compareExchange64(word, holder, current, held(BUFFER_FREE, owner), (current + 1) | 0) != 0)
      return LEASE_ENDED;
  }
}
