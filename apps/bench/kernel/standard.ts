import { defineStandard } from '@corelane/atomic-state/kernel/standard-define';
import { recordStandard } from '@corelane/atomic-state/kernel/standard-result';
import {
  POLICY_BYTES,
  RECORD_COUNTED,
  STANDARD_CELL_BYTES,
} from '@corelane/atomic-state/kernel/layout.generated';
import { writePolicy } from './limits.ts';

/** Bytes that `createStandard` needs, at an address that is a multiple of 128. */
export function standardBytes(): i32 {
  return STANDARD_CELL_BYTES + POLICY_BYTES;
}

/** The twin of `createEndpoint`. */
export function createStandard(cell: i32): void {
  writePolicy(cell + STANDARD_CELL_BYTES);
  defineStandard(cell, cell + STANDARD_CELL_BYTES, 0, 1);
}

/** The twin of `transitions`, by the thread `me`. Returns how many were counted. */
export function standardTransitions(cell: i32, admission: i32, clock: i32, me: i32, operations: i32): i32 {
  let successful = 0;
  for (let i = 0; i < operations; i++) {
    if (recordStandard(cell, 1, admission, 0, clock, me) == RECORD_COUNTED) successful++;
  }
  return successful;
}
