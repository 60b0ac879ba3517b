// A slow lane beside the scheduler in the model memory: the last workers are its.
import { peek, poke } from '@corelane/interleave';
import {
  laneCell,
  payloadKind,
  schedulerRoot,
  SLOT_QUEUED,
  slotHead,
  slotState,
  SLOW_LANES,
  slowLaneHead,
  slowLaneRoot,
  slowWeights,
} from '../src/layout.ts';
import { writeWord } from './kernel/words.ts';
import {
  BYTES as COMMON_BYTES,
  execute,
  type Kernel,
  NAMES as COMMON_NAMES,
  payloadAt,
  S,
  slotAt,
  start,
} from './model.ts';

const alignUp = (at: number): number => Math.ceil(at / 128) * 128;

/** A lane has room for as many hints. */
const LANE_SHIFT = 1;
const LANE_BYTES = alignUp(slowLaneHead.bytes + 2 ** LANE_SHIFT * laneCell.bytes);
const SLOW: number = alignUp(COMMON_BYTES);
const LANES: number = SLOW + slowLaneRoot.bytes;
const SOURCE: number = LANES + SLOW_LANES * LANE_BYTES;
const ENTERED: number = SOURCE + 8;
export const BYTES: number = ENTERED + 16;
const QUEUED: number = SLOW + slowLaneRoot.offset.queued;
const KIND: number = slotHead.offset.kind;

export const LANE = 2;
const laneAt = (lane: number): number => LANES + lane * LANE_BYTES;
/** Where it lies that lane `LANE` begins. */
const TAIL: number = laneAt(LANE) + slowLaneHead.offset.tail;

export const NAMES: Readonly<Record<number, string>> = {
  ...COMMON_NAMES,
  [QUEUED]: 'queued',
  [SOURCE]: 'source',
  [SLOW + slowLaneRoot.offset.growth]: 'slow-growth',
  [SLOW + slowLaneRoot.offset.parked]: 'slow-parked',
  ...Object.fromEntries(
    Array.from({ length: SLOW_LANES }, (_, lane) => [
      [laneAt(lane) + slowLaneHead.offset.head, `slow-head${lane}`],
      [laneAt(lane) + slowLaneHead.offset.tail, `slow-tail${lane}`],
      [laneAt(lane) + slowLaneHead.bytes, `slow${lane}[0]`],
      [laneAt(lane) + slowLaneHead.bytes + laneCell.bytes, `slow${lane}[1]`],
    ]).flat(),
  ),
};

export interface SlowOptions {
  readonly capacity?: number;
  readonly perSource?: number;
}

/** A scheduler with one worker of common lanes, the others being of the slow lane. */
export function startSlow(slots: number, workers: number, options: SlowOptions = {}): void {
  start(slots, workers);
  poke(S + schedulerRoot.offset.common, 1);
  poke(S + schedulerRoot.offset.slowAt, SLOW);
  const put = (field: keyof typeof slowLaneRoot.offset, value: number): void =>
    poke(SLOW + slowLaneRoot.offset[field], value);
  put('capacity', options.capacity ?? 8);
  put('perSource', options.perSource ?? 8);
  put('boostMs', 1000);
  put('laneShift', LANE_SHIFT);
  put('laneBytes', LANE_BYTES);
  put('lanesAt', LANES);
  put('sourcesAt', SOURCE);
  put('sources', 1);
  put('enteredAt', ENTERED);
  const { critical, high, normal, low } = slowWeights.field;
  put('weights', (4 << critical.shift) | (3 << high.shift) | (2 << normal.shift) | (1 << low.shift));
  // Laps that wrap soon.
  for (let lane = 0; lane < SLOW_LANES; lane++)
    for (const field of ['head', 'tail'] as const)
      poke(laneAt(lane) + slowLaneHead.offset[field], 14 << LANE_SHIFT);
}

/** Submits a task to the slow lane in a slot that the client acquires. @returns what submitSlow said, or the refusal */
export function submitSlow(k: Kernel, client: number, value: number, lane: number = LANE): number {
  const slot = k.acquireSlot(S, client);
  return slot < 0 ? slot : resubmitSlow(k, client, slot, value, lane);
}

/** The same with a slot that the client holds. */
export function resubmitSlow(
  k: Kernel,
  client: number,
  slot: number,
  value: number,
  lane: number = LANE,
  isAccepted = 0,
): number {
  writeWord(payloadAt(slot), value);
  writeWord(slotAt(slot) + KIND, 0);
  return k.submitSlow(S, slot, client, lane, 0, isAccepted);
}

/** Claims and runs what is in the slow lane. @returns its slot, or what there was */
export const workSlow = (k: Kernel, worker: number) => (): number => {
  const slot = k.claimSlow(S, worker, 0, 0);
  if (slot < 0) return slot;
  execute(slot);
  return k.finishSlot(S, slot, worker, 0);
};

/** Of a worker: what it holds is on its way to the slow lane. */
export function markMoved(slot: number, how: number): void {
  writeWord(slotAt(slot) + KIND, how << payloadKind.field.moved.shift);
}

/** As if a worker had ended after it had claimed a slot, before it took the hint away. */
export function undoTake(): void {
  poke(TAIL, peek(TAIL) - 1);
}

/** What is wrong with the counts: nobody is about to enter. */
export function miscounted(slots: number): string | undefined {
  const waiting = waitingSlow(slots);
  const [queued, source] = [peek(QUEUED), peek(SOURCE)];
  return queued === waiting && source === waiting
    ? undefined
    : `${waiting} wait, ${queued} are counted, ${source} of the source`;
}

/** Slots that wait in the slow lane. */
export function waitingSlow(slots: number): number {
  const { state, worker } = slotState.field;
  let waiting = 0;
  for (let slot = 0; slot < slots; slot++) {
    const word = peek(slotAt(slot));
    if (((word >>> worker.shift) & worker.mask) !== worker.mask) continue;
    if (((word >>> state.shift) & state.mask) === SLOT_QUEUED) waiting++;
  }
  return waiting;
}
