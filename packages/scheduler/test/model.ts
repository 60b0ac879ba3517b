// A scheduler in the model memory: as few slots, clients, workers and room in lanes as a scenario needs, all at one level.
import { peek, poke } from '@corelane/interleave';
import { initializeDeque } from '@corelane/lock-free/kernel/deque';
import { initializeStack, popStack } from '@corelane/lock-free/kernel/index-stack';
import { DEQUE_FIFO, dequeRoot, dequeSlot, indexStackRoot, stackLink } from '../../lock-free/src/layout.ts';
import {
  clientEntry,
  deadlineNode,
  laneCell,
  laneHead,
  LEVELS,
  LIST_CLOSED,
  MAX_BATCH,
  schedulerRoot,
  SLOT_FREE,
  slotHead,
  slotState,
  victimCell,
  workerEntry,
} from '../src/layout.ts';
import { readWord, writeWord } from './kernel/words.ts';

export type Kernel = typeof import('../kernel/index.ts');

export const S = 0;
export const SLOTS = 2;
export const CLIENTS = 2;
export const WORKERS = 2;
/** What the memory has room for. */
const MOST_SLOTS = 3;
const MOST_WORKERS = 3;
/** The level of all tasks. */
export const LEVEL = 0;
const LANE_SHIFT = 2;
const LANE_BYTES: number = laneHead.bytes + 128;
/** Head and one word of payload. */
const STRIDE: number = slotHead.bytes + 8;

const FREE: number = schedulerRoot.bytes;
const DEQUES: number = FREE + indexStackRoot.bytes + 128;
const DEQUE_BYTES: number = dequeRoot.bytes + 128;
const CLIENTS_AT: number = DEQUES + MOST_WORKERS * DEQUE_BYTES;
const WORKERS_AT: number = CLIENTS_AT + CLIENTS * clientEntry.bytes;
const READY_AT: number = WORKERS_AT + MOST_WORKERS * workerEntry.bytes;
const LANES_AT: number = READY_AT + 128;
const PINNED_AT: number = LANES_AT + (CLIENTS + 1) * LEVELS * LANE_BYTES;
const SLOTS_AT: number = PINNED_AT + CLIENTS * MOST_WORKERS * LANE_BYTES;
/** A word of the scenario's own. */
export const HOLD: number = SLOTS_AT + MOST_SLOTS * STRIDE;
/** Tickets, or the tree of deadlines, which has this many leaves. */
export const ORDER_AT: number = HOLD + 8;
export const LEAVES = 4;
const VICTIMS_AT: number = ORDER_AT + 2 * LEAVES * deadlineNode.bytes;
export const BYTES: number = VICTIMS_AT + MOST_WORKERS * (MOST_WORKERS - 1) * victimCell.bytes;

/** Of a worker. */
export const dequeOf = (worker: number): number => DEQUES + (worker - 1) * DEQUE_BYTES;
const laneAt = (client: number): number => LANES_AT + (client * LEVELS + LEVEL) * LANE_BYTES;
/** The lane of a client that is pinned to a worker. */
export const pinnedAt = (client: number, worker: number): number =>
  PINNED_AT + ((client - 1) * WORKERS + worker - 1) * LANE_BYTES;
/** Whether a worker is to go on. */
export const leavesOf = (worker: number): number =>
  WORKERS_AT + (worker - 1) * workerEntry.bytes + workerEntry.offset.leaves;
export const slotAt = (slot: number): number => SLOTS_AT + slot * STRIDE;
export const payloadAt = (slot: number): number => slotAt(slot) + slotHead.bytes;
export const listAt = (client: number): number =>
  CLIENTS_AT + (client - 1) * clientEntry.bytes + clientEntry.offset.finished;
export const ownerAt = (client: number): number =>
  CLIENTS_AT + (client - 1) * clientEntry.bytes + clientEntry.offset.owner;
export const PHASE: number = S + schedulerRoot.offset.phase;
export const BELL: number = S + schedulerRoot.offset.bell;
export const LIVE: number = S + schedulerRoot.offset.live;
export const PARKED: number = S + schedulerRoot.offset.parked;

export const NAMES: Readonly<Record<number, string>> = {
  [PHASE]: 'phase',
  [BELL]: 'bell',
  [PARKED]: 'parked',
  [LIVE]: 'live',
  [FREE + indexStackRoot.offset.head]: 'free',
  [S + schedulerRoot.offset.levels]: 'levels',
  [S + schedulerRoot.offset.hungry]: 'hungry',
  [HOLD]: 'hold',
  ...Object.fromEntries(
    Array.from({ length: 2 * LEAVES }, (_, i) => [
      ORDER_AT + i * deadlineNode.bytes,
      i < LEAVES ? `node${i}` : `leaf${i - LEAVES}`,
    ]),
  ),
  [READY_AT + LEVEL * 4]: 'ready',
  ...Object.fromEntries(
    [0, 1, 2].flatMap((client) => [
      [laneAt(client) + laneHead.offset.tail, `tail${client}`],
      [laneAt(client) + laneHead.bytes, `lane${client}[0]`],
      [laneAt(client) + laneHead.bytes + laneCell.bytes, `lane${client}[1]`],
    ]),
  ),
  ...Object.fromEntries(
    [0, 1].flatMap((i) => [
      [DEQUES + i * DEQUE_BYTES + dequeRoot.offset.top, `top${i + 1}`],
      [DEQUES + i * DEQUE_BYTES + dequeRoot.offset.bottom, `bottom${i + 1}`],
      [DEQUES + i * DEQUE_BYTES + dequeRoot.bytes, `deque${i + 1}[0]`],
      [DEQUES + i * DEQUE_BYTES + dequeRoot.bytes + dequeSlot.bytes, `deque${i + 1}[1]`],
      [FREE + indexStackRoot.bytes + i * stackLink.bytes, `link${i}`],
      [slotAt(i) + slotHead.offset.state, `state${i}`],
      [slotAt(i) + slotHead.offset.next, `next${i}`],
      [payloadAt(i), `payload${i}`],
      [listAt(i + 1), `list${i + 1}`],
      [ownerAt(i + 1), `owner${i + 1}`],
      [READY_AT + (LEVELS + i) * 4, `pinned-ready${i + 1}`],
      [WORKERS_AT + i * workerEntry.bytes + workerEntry.offset.pinned, `pinned${i + 1}`],
      [pinnedAt(1, i + 1) + laneHead.offset.tail, `pinned-tail1-${i + 1}`],
      [pinnedAt(1, i + 1) + laneHead.bytes, `pinned-lane1-${i + 1}[0]`],
      [WORKERS_AT + i * workerEntry.bytes + workerEntry.offset.wake, `wake${i + 1}`],
    ]),
  ),
};

/**
 * Writes a scheduler with all slots free and both clients attached.
 * @param laneShift a lane has room for 2 to the power of this many hints: 2 at most
 * @param share hints that wait for each that a worker takes at once; 0: no batches
 */
export function start(
  slots: number = SLOTS,
  workers: number = WORKERS,
  share = 0,
  laneShift = LANE_SHIFT,
): void {
  const root = schedulerRoot.offset;
  const put = (offset: number, value: number): void => poke(S + offset, value);
  put(root.slots, slots);
  put(root.payloadBytes, 4);
  put(root.strideBytes, STRIDE);
  put(root.share, share);
  put(root.batch, MAX_BATCH);
  put(root.laneShift, laneShift);
  put(root.laneBytes, LANE_BYTES);
  put(root.pinnedShift, laneShift);
  put(root.pinnedBytes, LANE_BYTES);
  put(root.pinnedAt, PINNED_AT);
  put(root.readyAt, READY_AT);
  put(root.lanesAt, LANES_AT);
  put(root.maxClients, CLIENTS);
  put(root.threads, workers);
  put(root.common, workers);
  put(root.freeAt, FREE);
  put(root.clientsAt, CLIENTS_AT);
  put(root.workersAt, WORKERS_AT);
  put(root.slotsAt, SLOTS_AT);
  initializeStack(FREE, slots, 1);
  // Laps that wrap soon.
  for (let client = 0; client <= CLIENTS; client++)
    for (const field of ['head', 'tailSeen', 'tail'] as const)
      poke(laneAt(client) + laneHead.offset[field], 14 << laneShift);
  for (let client = 1; client <= CLIENTS; client++)
    for (let worker = 1; worker <= workers; worker++)
      for (const field of ['head', 'tailSeen', 'tail'] as const)
        poke(
          PINNED_AT + ((client - 1) * workers + worker - 1) * LANE_BYTES + laneHead.offset[field],
          14 << laneShift,
        );
  poke(S + root.live, 2 ** workers - 1);
  for (let worker = 1; worker <= MOST_WORKERS; worker++) {
    const entry = WORKERS_AT + (worker - 1) * workerEntry.bytes;
    const deque = DEQUES + (worker - 1) * DEQUE_BYTES;
    initializeDeque(deque, MAX_BATCH, DEQUE_FIFO, 0);
    poke(entry + workerEntry.offset.dequeAt, deque);
    poke(entry + workerEntry.offset.batchLevel, -1);
  }
  for (let client = 1; client <= CLIENTS; client++) poke(ownerAt(client), client);
}

/** Of a scheduler that was started: another policy than `priority`. */
export function usePolicy(policy: number): void {
  poke(S + schedulerRoot.offset.policy, policy);
  poke(S + schedulerRoot.offset.orderAt, ORDER_AT);
  poke(S + schedulerRoot.offset.leaves, LEAVES);
  poke(S + schedulerRoot.offset.victimsAt, VICTIMS_AT);
  poke(S + schedulerRoot.offset.stealBatch, 4);
  const others = peek(S + schedulerRoot.offset.threads) - 1;
  for (let worker = 0; worker <= others; worker++)
    for (let i = 0; i < others; i++)
      poke(VICTIMS_AT + (worker * others + i) * victimCell.bytes, ((worker + 1 + i) % (others + 1)) + 1);
}

/** The key of a slot in the tree of deadlines. */
export const leafAt = (slot: number): number => ORDER_AT + (LEAVES + slot) * deadlineNode.bytes;

const { field } = slotState;

export const pack = (s: number, c: number, w: number): number =>
  s | (c << field.client.shift) | (w << field.worker.shift);
export const generationIn = (word: number): number =>
  (word >>> field.generation.shift) & field.generation.mask;
export const stateIn = (slot: number): number =>
  (peek(slotAt(slot) + slotHead.offset.state) >>> field.state.shift) & field.state.mask;
export const pokeState = (slot: number, s: number, c: number, w: number): void => {
  const generation =
    peek(slotAt(slot) + slotHead.offset.state) & (field.generation.mask << field.generation.shift);
  poke(slotAt(slot) + slotHead.offset.state, pack(s, c, w) | generation);
};

/** As if the slot had had so many tasks meanwhile. */
export const ageBy = (slot: number, tasks: number): void => {
  const at = slotAt(slot) + slotHead.offset.state;
  const generation = (generationIn(peek(at)) + tasks) & field.generation.mask;
  poke(
    at,
    (peek(at) & ~(field.generation.mask << field.generation.shift)) | (generation << field.generation.shift),
  );
};

/** Writes a task into a slot that the client acquires, and submits it. @returns what submitSlot said, or the refusal */
export function submit(k: Kernel, client: number, value: number): number {
  const slot = k.acquireSlot(S, client);
  return slot < 0 ? slot : resubmit(k, client, slot, value);
}

/** As `submit`, with a deadline. */
export function submitDeadline(k: Kernel, client: number, value: number, deadline: number): number {
  const slot = k.acquireSlot(S, client);
  return slot < 0 ? slot : resubmit(k, client, slot, value, LEVEL, deadline);
}

/** The same with a slot that the client holds. Where it is refused, the client holds it still. */
export function resubmit(
  k: Kernel,
  client: number,
  slot: number,
  value: number,
  lane: number = LEVEL,
  deadline = 0,
): number {
  writeWord(payloadAt(slot), value);
  writeWord(slotAt(slot) + slotHead.offset.lane, lane);
  writeWord(slotAt(slot) + slotHead.offset.deadline, deadline);
  return k.submitSlot(S, slot, client, lane);
}

/** As `submit`, for one worker alone. */
export function submitPinned(k: Kernel, client: number, value: number, worker: number): number {
  const slot = k.acquireSlot(S, client);
  return slot < 0 ? slot : resubmit(k, client, slot, value, LEVELS + worker - 1);
}

/** The task: ten times its argument. */
export function execute(slot: number): void {
  writeWord(payloadAt(slot), readWord(payloadAt(slot)) * 10);
}

/** Takes what has finished. @returns the results, in order */
export function collect(k: Kernel, client: number): number[] {
  const results: number[] = [];
  let link = k.takeFinished(S, client);
  while (link > 0) {
    const slot = link - 1;
    link = k.nextFinished(S, slot);
    results.push(readWord(payloadAt(slot)));
    k.releaseSlot(S, slot, client);
  }
  return results;
}

/** What is wrong with the slots once nobody works any more: each must be in the free list, once. */
export function allFree(k: Kernel, slots: number = SLOTS): string | undefined {
  // Stale hints are thrown away by whoever finds them.
  for (let worker = 1; worker <= MOST_WORKERS; worker++) {
    if (worker > peek(S + schedulerRoot.offset.threads)) break;
    const leftover = k.claimTask(S, worker, 0);
    if (leftover >= 0) return `slot ${leftover} was still queued`;
  }
  // What clients hold they may use again.
  for (const client of [1, 2])
    for (let slot = 0; slot < slots && peek(listAt(client)) !== LIST_CLOSED; slot++)
      k.releaseSlot(S, slot, client);
  const free = new Set<number>();
  for (let count = 0; count <= slots; count++) {
    const slot = popStack(FREE);
    if (slot < 0) break;
    if (free.has(slot)) return `slot ${slot} is in the free list twice`;
    free.add(slot);
    if (stateIn(slot) !== SLOT_FREE) return `slot ${slot} is in the free list in state ${stateIn(slot)}`;
  }
  for (let slot = 0; slot < slots; slot++)
    if (!free.has(slot)) return `slot ${slot} is lost in state ${stateIn(slot)}`;
  return undefined;
}
