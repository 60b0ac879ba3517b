// What the machine can do at all: loops in Wasm without a call from JS. Not part of any package, and never run on the model twin:
// `addByCas` uses the instructions themselves, for the seam's halves and globals would slow the limit down.
import { set } from '@corelane/shared-memory/kernel/atomics';
import { recordDelivery } from '@corelane/atomic-state/kernel/result';
import { defineEndpoint } from '@corelane/atomic-state/kernel/define';
import {
  CELL_BYTES,
  POLICY_BYTES,
  POLICY_BURST,
  POLICY_CLOSE_SUCCESSES,
  POLICY_FAILURE_THRESHOLD,
  POLICY_FAILURE_WINDOW_MS,
  POLICY_HALF_OPEN_PROBES,
  POLICY_OPEN_DURATION_MS,
  RECORD_COUNTED,
} from '@corelane/atomic-state/kernel/layout.generated';

/** Adds 1 to the 64-bit word at `at`, `operations` times, each by a load and a CAS until it succeeds. Returns `operations`. */
export function addByCas(at: i32, operations: i32): i32 {
  let successful = 0;
  while (successful < operations) {
    const word = atomic.load<i64>(at);
    if (atomic.cmpxchg<i64>(at, word, word + 1) == word) successful++;
  }
  return successful;
}

/** Bytes that `createEndpoint` needs, at an address that is a multiple of 128. */
export function endpointBytes(): i32 {
  return CELL_BYTES + POLICY_BYTES;
}

/** A breaker with the default thresholds and without tokens, as StateMachine would make it. */
export function createEndpoint(cell: i32): void {
  writePolicy(cell + CELL_BYTES);
  defineEndpoint(cell, cell + CELL_BYTES, 0);
}

export function writePolicy(policy: i32): void {
  set(policy + POLICY_FAILURE_THRESHOLD, 5);
  set(policy + POLICY_FAILURE_WINDOW_MS, 60000);
  set(policy + POLICY_OPEN_DURATION_MS, 30000);
  set(policy + POLICY_HALF_OPEN_PROBES, 3);
  set(policy + POLICY_CLOSE_SUCCESSES, 3);
  set(policy + POLICY_BURST, 100);
}

/** `recordDelivery` of a success, `operations` times: what a call from JS runs, without the call. Returns how many were counted. */
export function transitions(cell: i32, admission: i32, clock: i32, operations: i32): i32 {
  let successful = 0;
  for (let i = 0; i < operations; i++) {
    if (recordDelivery(cell, 1, admission, 0, clock, 1) == RECORD_COUNTED) successful++;
  }
  return successful;
}
