// Which writer publishes the figures of the whole process: one at a time, or they would be counted twice. PROTOCOL.md, 5.
//
// The word holds a claim (layout.ts, `processClaim`): the writer, and how many times that writer had been claimed. A claim is
// void once its writer is free or was claimed again, so a thread that dies leaves nothing to clean up but its writer.
import { compareExchange, load } from '@corelane/shared-memory/kernel/atomics';
import {
  PROCESS_CLAIM_CLAIMS_MASK,
  PROCESS_CLAIM_CLAIMS_SHIFT,
  PROCESS_CLAIM_NUMBER_MASK,
  REGISTRY_ROOT_BYTES,
  REGISTRY_ROOT_PROCESS_CLAIM,
  REGISTRY_ROOT_WRITERS,
  WRITER_CLAIMED,
  WRITER_RECORD_BYTES,
  WRITER_RECORD_CLAIMS,
  WRITER_RECORD_STATE,
} from './layout.generated.ts';

function recordOf(registry: i32, writer: i32): i32 {
  return (registry + REGISTRY_ROOT_BYTES + writer * WRITER_RECORD_BYTES) | 0;
}

function claimOf(registry: i32, writer: i32): i32 {
  const claims = load((recordOf(registry, writer) + WRITER_RECORD_CLAIMS) | 0);
  return (writer + 1) | ((claims & PROCESS_CLAIM_CLAIMS_MASK) << PROCESS_CLAIM_CLAIMS_SHIFT) | 0;
}

/** Once void, a claim stays void: what a writer counts up is never counted down. */
function isVoid(registry: i32, claim: i32): boolean {
  const writer = ((claim & PROCESS_CLAIM_NUMBER_MASK) - 1) | 0;
  if (writer < 0 || writer >= load((registry + REGISTRY_ROOT_WRITERS) | 0)) return true;
  // observe: pairs with the stores of WRITER_FREE, which come after all that the holder wrote.
  if (load((recordOf(registry, writer) + WRITER_RECORD_STATE) | 0) != WRITER_CLAIMED) return true;
  return claimOf(registry, writer) != claim;
}

/** @returns the writer whose claim holds, -1 where none does */
export function processHolder(registry: i32): i32 {
  const claim = load((registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0);
  return isVoid(registry, claim) ? -1 : ((claim & PROCESS_CLAIM_NUMBER_MASK) - 1) | 0;
}

/**
 * Claims for `writer`, which the caller holds.
 * @returns the claim, for `releaseProcess`; 0 where a claim holds, be it of the same writer
 */
export function claimProcess(registry: i32, writer: i32): i32 {
  const word = (registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0;
  const claim = claimOf(registry, writer);
  while (true) {
    const found = load(word);
    if (!isVoid(registry, found)) return 0;
    // Takes over from a holder that is no more: pairs with the CAS in releaseProcess, or with the store that freed its writer.
    if (compareExchange(word, found, claim) == found) return claim;
  }
}

/**
 * Without effect where another has taken over since, for the same writer perhaps: so it is told by its claim, not by its writer.
 * @param claim what `claimProcess` returned
 */
export function releaseProcess(registry: i32, claim: i32): void {
  // publish: all that the holder has counted; pairs with the load in claimProcess.
  compareExchange((registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0, claim, 0);
}
