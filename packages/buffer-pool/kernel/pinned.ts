// A single buffer outside any pool: the same lease word, without owners. Whoever has its current generation may act. PROTOCOL.md, section 7.
import { compareExchange64, high, load64, low } from '@corelane/shared-memory/kernel/atomics';
import { transition } from './lease.ts';
import { BUFFER_LEASED, PINNED_BUFFER_ROOT_OPERATION, PINNED_BUFFER_ROOT_WORD } from './layout.generated.ts';
import { giveWord, orphanWord, takeWord } from './ownership.ts';
import { held } from './record.ts';

/** Before the buffer is shared: its creator's, in generation 0. */
export function initializePinned(buffer: i32): void {
  compareExchange64(buffer + PINNED_BUFFER_ROOT_WORD, 0, 0, held(BUFFER_LEASED, 0), 0);
}

/** As giveLease. */
export function givePinned(buffer: i32, generation: i32, operation: i32): i32 {
  const operationAt = buffer + PINNED_BUFFER_ROOT_OPERATION;
  return giveWord(buffer + PINNED_BUFFER_ROOT_WORD, operationAt, generation, -1, operation, 0);
}

/** As takeLease; there is no pool for an orphan to go back to, so it is the caller's too: LEASE_ENDED says that it was one. */
export function takePinned(buffer: i32, generation: i32, operation: i32): i32 {
  const operationAt = buffer + PINNED_BUFFER_ROOT_OPERATION;
  return takeWord(buffer + PINNED_BUFFER_ROOT_WORD, operationAt, generation, -1, operation, 0, BUFFER_LEASED);
}

/** As orphanLease. */
export function orphanPinned(buffer: i32, generation: i32, operation: i32): i32 {
  const operationAt = buffer + PINNED_BUFFER_ROOT_OPERATION;
  return orphanWord(buffer + PINNED_BUFFER_ROOT_WORD, operationAt, generation, -1, operation, 0);
}

/** From one user to the next. @returns LEASE_ENDED, with the next generation; LEASE_STALE where nothing was changed */
export function handOverPinned(buffer: i32, generation: i32): i32 {
  const user = held(BUFFER_LEASED, 0);
  return transition(buffer + PINNED_BUFFER_ROOT_WORD, generation, -1, user, user);
}

/** State: the low half of the word. */
export function pinnedHolder(buffer: i32): i32 {
  load64(buffer + PINNED_BUFFER_ROOT_WORD);
  return low();
}

export function pinnedGeneration(buffer: i32): i32 {
  load64(buffer + PINNED_BUFFER_ROOT_WORD);
  return high();
}

/** The operation that the kernel has it for, or had it last. */
export function pinnedOperation(buffer: i32): i32 {
  load64(buffer + PINNED_BUFFER_ROOT_OPERATION);
  return low();
}
