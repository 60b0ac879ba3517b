// What threads do with the claim on the figures of the process, and with their writers, as steps of the model.
import { add, compareExchange, get, set, store } from '@corelane/shared-memory/kernel/atomics';
import {
  REGISTRY_ROOT_BYTES,
  REGISTRY_ROOT_WRITERS,
  WRITER_CLAIMED,
  WRITER_FREE,
  WRITER_RECORD_BYTES,
  WRITER_RECORD_CLAIMS,
  WRITER_RECORD_STATE,
} from '../../kernel/layout.generated.ts';
import { claimProcess, processHolder, releaseProcess } from '../../kernel/process-claim.ts';

export { claimProcess, processHolder, releaseProcess };

/** How many figures the holders have counted: plain, so two holders at once are a race. */
export const COUNTED = REGISTRY_ROOT_BYTES + 2 * WRITER_RECORD_BYTES;

function record(writer: number): number {
  return REGISTRY_ROOT_BYTES + writer * WRITER_RECORD_BYTES;
}

export function initialize(): void {
  store(REGISTRY_ROOT_WRITERS, 2);
}

/** As `Writer.claim`. */
export function claimWriter(writer: number): boolean {
  if (compareExchange(record(writer) + WRITER_RECORD_STATE, WRITER_FREE, WRITER_CLAIMED) !== WRITER_FREE)
    return false;
  add(record(writer) + WRITER_RECORD_CLAIMS, 1);
  return true;
}

/** As `Writer.release`, and as a supervisor that reclaims the writer of a dead thread. */
export function freeWriter(writer: number): void {
  store(record(writer) + WRITER_RECORD_STATE, WRITER_FREE);
}

/** Claims the process and counts once where that succeeds. @returns the claim, or 0 */
export function count(writer: number): number {
  const claim = claimProcess(0, writer);
  if (claim !== 0) set(COUNTED, get(COUNTED) + 1);
  return claim;
}

export function counted(): number {
  return get(COUNTED);
}
