// A scheduler in the model memory: one band, and as few slots, clients and workers as a scenario needs.
import { peek, poke } from '@corelane/interleave';
import { initializeQueue, popQueue, pushQueue } from '@corelane/lock-free/kernel/bounded-queue';
import { initializeStack, popStack } from '@corelane/lock-free/kernel/index-stack';
import { boundedQueueRoot, indexStackRoot, queueCell, stackLink } from '../../lock-free/src/layout.ts';
import { clientEntry, schedulerRoot, SLOT_FREE, slotHead, slotState, workerEntry } from '../src/layout.ts';
import { readWord, writeWord } from './kernel/words.ts';

export type Kernel = typeof import('../kernel/index.ts');

export const S = 0;
export const SLOTS = 2;
export const CLIENTS = 2;
export const WORKERS = 2;
const QUEUE_CAPACITY = 2;
/** Head and one word of payload. */
const STRIDE: number = slotHead.bytes + 8;

const FREE: number = schedulerRoot.bytes;
const QUEUE: number = FREE + indexStackRoot.bytes + 128;
const CLIENTS_AT: number = QUEUE + boundedQueueRoot.bytes + 128;
const WORKERS_AT: number = CLIENTS_AT + CLIENTS * clientEntry.bytes;
const SLOTS_AT: number = WORKERS_AT + WORKERS * workerEntry.bytes;
export const BYTES: number = SLOTS_AT + SLOTS * STRIDE;

export const slotAt = (slot: number): number => SLOTS_AT + slot * STRIDE;
export const payloadAt = (slot: number): number => slotAt(slot) + slotHead.bytes;
export const listAt = (client: number): number =>
  CLIENTS_AT + (client - 1) * clientEntry.bytes + clientEntry.offset.finished;
export const ownerAt = (client: number): number =>
  CLIENTS_AT + (client - 1) * clientEntry.bytes + clientEntry.offset.owner;
export const PHASE: number = S + schedulerRoot.offset.phase;
export const BELL: number = S + schedulerRoot.offset.bell;
export const PARKED: number = S + schedulerRoot.offset.parked;

export const NAMES: Readonly<Record<number, string>> = {
  [PHASE]: 'phase',
  [BELL]: 'bell',
  [PARKED]: 'parked',
  [FREE + indexStackRoot.offset.head]: 'free',
  [QUEUE + boundedQueueRoot.offset.tail]: 'tail',
  [QUEUE + boundedQueueRoot.offset.head]: 'head',
  ...Object.fromEntries(
    [0, 1].flatMap((i) => [
      [QUEUE + boundedQueueRoot.bytes + i * queueCell.bytes, `sequence${i}`],
      [QUEUE + boundedQueueRoot.bytes + i * queueCell.bytes + 4, `cell${i}`],
      [FREE + indexStackRoot.bytes + i * stackLink.bytes, `link${i}`],
      [slotAt(i) + slotHead.offset.state, `state${i}`],
      [slotAt(i) + slotHead.offset.next, `next${i}`],
      [payloadAt(i), `payload${i}`],
      [listAt(i + 1), `list${i + 1}`],
      [ownerAt(i + 1), `owner${i + 1}`],
      [WORKERS_AT + i * workerEntry.bytes + workerEntry.offset.wake, `wake${i + 1}`],
      [WORKERS_AT + i * workerEntry.bytes + workerEntry.offset.current, `current${i + 1}`],
    ]),
  ),
};

/** Writes a scheduler with all slots free and both clients attached. */
export function start(slots: number = SLOTS, workers: number = WORKERS): void {
  const root = schedulerRoot.offset;
  const put = (offset: number, value: number): void => poke(S + offset, value);
  put(root.slots, slots);
  put(root.payloadBytes, 4);
  put(root.strideBytes, STRIDE);
  put(root.bands, 1);
  put(root.maxQueue, slots);
  put(root.maxClients, CLIENTS);
  put(root.threads, workers);
  put(root.freeAt, FREE);
  put(root.queues, QUEUE);
  put(root.clientsAt, CLIENTS_AT);
  put(root.workersAt, WORKERS_AT);
  put(root.slotsAt, SLOTS_AT);
  initializeStack(FREE, slots, 1);
  initializeQueue(QUEUE, QUEUE_CAPACITY, 0);
  for (let client = 1; client <= CLIENTS; client++) poke(ownerAt(client), client);
}

const { field } = slotState;

export const pack = (s: number, c: number, w: number): number =>
  s | (c << field.client.shift) | (w << field.worker.shift);
export const stateIn = (slot: number): number =>
  (peek(slotAt(slot) + slotHead.offset.state) >>> field.state.shift) & field.state.mask;
export const pokeState = (slot: number, s: number, c: number, w: number): void =>
  poke(slotAt(slot) + slotHead.offset.state, pack(s, c, w));

/** Writes a task into a slot that the client acquires, and enters it. @returns what enterSlot said, or the refusal */
export function submit(k: Kernel, client: number, value: number): number {
  const slot = k.acquireSlot(S, client);
  if (slot < 0) return slot;
  writeWord(payloadAt(slot), value);
  return k.enterSlot(S, slot, client, 0);
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
  const queued = popQueue(QUEUE);
  if (queued >= 0) {
    if (stateIn(queued) === SLOT_FREE) return `slot ${queued} is free and still queued`;
    pushQueue(QUEUE, queued);
  }
  // Cancelled slots are freed by whoever takes them out of the queue.
  const leftover = k.claimTask(S, 1, 0);
  if (leftover >= 0) return `slot ${leftover} was still queued`;
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
