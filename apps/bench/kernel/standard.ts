// Loops in Wasm over the standard twin, and over an update of many words: by a mutex, and by a CAS each.
import { lockMutex, unlockMutex } from '@corelane/lock-free/kernel/mutex';
import { compareExchange, get, load, set } from '@corelane/shared-memory/kernel/atomics';
import { defineStandard } from '@corelane/atomic-state/kernel/standard-define';
import { recordStandard } from '@corelane/atomic-state/kernel/standard-result';
import {
  POLICY_BYTES,
  RECORD_COUNTED,
  STANDARD_CELL_BYTES,
  STANDARD_CELL_TRANSITIONS,
} from '@corelane/atomic-state/kernel/layout.generated';
import { writePolicy } from './limits.ts';

/** Looks at a mutex that is held before parking, as the twin's. */
const SPINS: i32 = 30;

/** Words of `updateByMutex` and `updateByCas`, from the 64th byte of a block of 128. */
const MANY: i32 = 16;
const WORDS_AT: i32 = 64;

/** Bytes that `createStandard` needs, at an address that is a multiple of 128. */
export function standardBytes(): i32 {
  return STANDARD_CELL_BYTES + POLICY_BYTES;
}

/** The twin of `createEndpoint`, by the thread `me`. */
export function createStandard(cell: i32, me: i32): void {
  writePolicy(cell + STANDARD_CELL_BYTES);
  defineStandard(cell, cell + STANDARD_CELL_BYTES, 0, me);
}

/** The twin of `transitions`, by the thread `me`. Returns how many were counted. */
export function standardTransitions(cell: i32, admission: i32, clock: i32, me: i32, operations: i32): i32 {
  let successful = 0;
  for (let i = 0; i < operations; i++) {
    if (recordStandard(cell, 1, admission, 0, clock, me) == RECORD_COUNTED) successful++;
  }
  return successful;
}

/** Transitions of the twin's endpoint so far, modulo 2^32; while nobody makes one. */
export function standardTransitionCount(cell: i32): i32 {
  return get(cell + STANDARD_CELL_TRANSITIONS);
}

/** Adds 1 to each of 16 words under the mutex at `at`, `operations` times. Returns `operations`. */
export function updateByMutex(at: i32, me: i32, operations: i32): i32 {
  for (let i = 0; i < operations; i++) {
    lockMutex(at, me, SPINS);
    for (let word = 0; word < MANY; word++) {
      const field = at + WORDS_AT + (word << 2);
      set(field, (get(field) + 1) | 0);
    }
    unlockMutex(at, me);
  }
  return operations;
}

/** Adds 1 to each of 16 words by a load and a CAS until it succeeds, `operations` times. Others see some of them updated, and others not yet. */
export function updateByCas(at: i32, operations: i32): i32 {
  for (let i = 0; i < operations; i++) {
    for (let word = 0; word < MANY; word++) {
      const field = at + WORDS_AT + (word << 2);
      while (true) {
        const seen = load(field);
        if (compareExchange(field, seen, (seen + 1) | 0) == seen) break;
      }
    }
  }
  return operations;
}
