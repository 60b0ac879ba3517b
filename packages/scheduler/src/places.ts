// Where the parts of a scheduler lie in its memory.
import { alignUp, LINE_BYTES } from '@corelane/shared-memory';
import {
  clientEntry,
  deadlineNode,
  laneCell,
  laneHead,
  LEVELS,
  POLICY_DEADLINE,
  POLICY_FIFO,
  POLICY_WORK_STEALING,
  schedulerRoot,
  slotHead,
  slotTicket,
  victimCell,
  workerEntry,
} from './layout.ts';
import type { TableOptions } from './options.ts';

/** Hints of one client that wait at one level, at most: 2 to the power of this. Tasks beyond that wait with the client. */
const MAX_LANE_SHIFT = 12;
/** The same, of one client's tasks that are pinned to one worker. Guessed. */
const MAX_PINNED_SHIFT = 6;

/** Of Places, what the root holds. */
export const PLACES = [
  'strideBytes',
  'clientsAt',
  'workersAt',
  'readyAt',
  'lanesAt',
  'laneShift',
  'laneBytes',
  'pinnedAt',
  'pinnedShift',
  'pinnedBytes',
  'slotsAt',
  'orderAt',
  'leaves',
  'victimsAt',
] as const;

export type Plan = Pick<
  TableOptions,
  'slots' | 'payloadBytes' | 'inlineBytes' | 'maxClients' | 'threads' | 'common' | 'policy' | 'batch'
>;

export interface Places {
  readonly strideBytes: number;
  readonly clientsAt: number;
  readonly workersAt: number;
  readonly readyAt: number;
  readonly lanesAt: number;
  readonly laneShift: number;
  readonly laneBytes: number;
  readonly pinnedAt: number;
  readonly pinnedShift: number;
  readonly pinnedBytes: number;
  readonly slotsAt: number;
  readonly orderAt: number;
  /** Of the tree of deadlines; 2 where there is none. */
  readonly leaves: number;
  readonly victimsAt: number;
  readonly lengthBytes: number;
}

/** Where all of it lies from `at` on. */
export function placesFor(
  at: number,
  { slots, inlineBytes, maxClients, threads, common, policy }: Plan,
): Places {
  const strideBytes = alignUp(slotHead.bytes + inlineBytes, LINE_BYTES);
  const clientsAt = at + schedulerRoot.bytes;
  const workersAt = clientsAt + maxClients * clientEntry.bytes;
  const readyAt = workersAt + threads * workerEntry.bytes;
  const lanesAt = alignUp(readyAt + (LEVELS + threads) * ((maxClients >> 5) + 1) * 4, LINE_BYTES);
  const laneShift = Math.min(MAX_LANE_SHIFT, Math.ceil(Math.log2(Math.max(2, slots))));
  const laneBytes = alignUp(laneHead.bytes + 2 ** laneShift * laneCell.bytes, LINE_BYTES);
  const pinnedAt = lanesAt + (maxClients + 1) * LEVELS * laneBytes;
  const pinnedShift = Math.min(MAX_PINNED_SHIFT, laneShift);
  const pinnedBytes = alignUp(laneHead.bytes + 2 ** pinnedShift * laneCell.bytes, LINE_BYTES);
  const slotsAt = pinnedAt + maxClients * threads * pinnedBytes;
  const orderAt = slotsAt + slots * strideBytes;
  const leaves = policy === POLICY_DEADLINE ? 2 ** Math.ceil(Math.log2(Math.max(2, slots))) : 2;
  const orderBytes =
    policy === POLICY_DEADLINE
      ? 2 * leaves * deadlineNode.bytes
      : policy === POLICY_FIFO
        ? slots * slotTicket.bytes
        : 0;
  const victimsAt = alignUp(orderAt + orderBytes, LINE_BYTES);
  const victims = policy === POLICY_WORK_STEALING ? common * (common - 1) : 0;
  return {
    strideBytes,
    clientsAt,
    workersAt,
    readyAt,
    lanesAt,
    laneShift,
    laneBytes,
    pinnedAt,
    pinnedShift,
    pinnedBytes,
    slotsAt,
    orderAt,
    leaves,
    victimsAt,
    lengthBytes: alignUp(victimsAt + victims * victimCell.bytes, LINE_BYTES) - at,
  };
}
