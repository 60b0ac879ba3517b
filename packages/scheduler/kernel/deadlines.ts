// Policy deadline: of the tasks with a deadline the earliest is claimed first. PROTOCOL.md, section 2.
//
// A tree of tournaments over the slots, without locks: whoever has changed a leaf plays the matches above it again, each twice where others
// play it, too. After P. Jayanti, "f-arrays: implementation and applications" (PODC 2002), with versions in place of LL and SC.
// Rejected: a heap of one worker's own, which others can not see; a heap under a lock, which dies with who holds it.
import {
  add,
  compareExchange,
  compareExchange64,
  get,
  high,
  load,
  load64,
  low,
} from '@corelane/shared-memory/kernel/atomics';
import {
  DEADLINE_KEY_GENERATION_MASK,
  DEADLINE_KEY_TICKET_SHIFT,
  DEADLINE_NODE_BYTES,
  DEADLINE_NODE_WINNER,
  NO_TASK,
  SCHEDULER_ROOT_LEAVES,
  SCHEDULER_ROOT_ORDER_AT,
  SCHEDULER_ROOT_SLOTS,
  SCHEDULER_ROOT_TICKETS,
  SLOT_HEAD_STATE,
  SLOT_HELD,
  SLOT_MENDING,
  SLOT_QUEUED,
  SLOT_RUNNING,
} from './layout.generated.ts';
import { become, clientOf, generationOf, isEnded, slotAt, stateOf } from './places.ts';

/** The slot at the root of the tree, or -1: none is in it, stale ones included. */
export function earliest(scheduler: i32): i32 {
  load64(nodeAt(scheduler, 1)); // observe: pairs with the match at the root in play
  return (low() - 1) | 0;
}

/** Of the client, its slot being `queued` since then. */
export function enterDeadline(scheduler: i32, slot: i32, queued: i32, deadline: i32): void {
  const leaf = leafAt(scheduler, slot);
  const ticket = add(scheduler + SCHEDULER_ROOT_TICKETS, 1);
  const key = (ticket << DEADLINE_KEY_TICKET_SHIFT) | generationOf(queued);
  while (true) {
    load64(leaf);
    const oldDeadline = low();
    const oldKey = high();
    // The client was reclaimed, though it is alive, and the slot has a task of another one's: its leaf must stay.
    if (load(slotAt(scheduler, slot) + SLOT_HEAD_STATE) != queued) return;
    // publish: against who removes the leaf of the task before. Each key is there once, so what is removed is never this one.
    if (compareExchange64(leaf, oldDeadline, oldKey, deadline, key) != 0) break;
  }
  climb(scheduler, slot);
}

/** Of the client that holds the slot, before it queues it elsewhere: a leaf that stayed long enough would seem to be of that task. */
export function leaveDeadlines(scheduler: i32, slot: i32, client: i32): void {
  const leaf = leafAt(scheduler, slot);
  load64(leaf);
  const deadline = low();
  const key = high();
  if (deadline == 0) return;
  const seen = load(slotAt(scheduler, slot) + SLOT_HEAD_STATE);
  const state = stateOf(seen);
  if (clientOf(seen) != client || (state != SLOT_HELD && isEnded(state) == 0)) return;
  compareExchange64(leaf, deadline, key, 0, key); // whoever finds it at the root takes it away
}

/** Claims the task with the earliest deadline. @returns its slot, or NO_TASK */
export function claimEarliest(scheduler: i32, worker: i32): i32 {
  while (true) {
    const slot = earliest(scheduler);
    if (slot < 0 || slot >= get(scheduler + SCHEDULER_ROOT_SLOTS)) return NO_TASK;
    const leaf = leafAt(scheduler, slot);
    load64(leaf);
    const deadline = low();
    const key = high();
    if (deadline != 0) {
      const word = slotAt(scheduler, slot) + SLOT_HEAD_STATE;
      // After the leaf, which is written when the slot is queued: another state is a later one, and the leaf has had its time.
      const seen = load(word);
      if (generationOf(seen) == (key & DEADLINE_KEY_GENERATION_MASK)) {
        if (stateOf(seen) == SLOT_MENDING) return NO_TASK; // the owner is looking at it: it will be queued again
        if (stateOf(seen) == SLOT_QUEUED) {
          // claim: against a cancellation, and other workers. Observes the task: pairs with submitSlot.
          if (compareExchange(word, seen, become(seen, SLOT_RUNNING, clientOf(seen), worker)) != seen)
            continue;
          compareExchange64(leaf, deadline, key, 0, key);
          climb(scheduler, slot);
          return slot;
        }
      }
      compareExchange64(leaf, deadline, key, 0, key); // fails where the slot is in the tree again
    }
    // Whoever took it away may have ended before it had played.
    climb(scheduler, slot);
  }
}

/** Plays the matches from a leaf to the root. */
function climb(scheduler: i32, slot: i32): void {
  let node = (get(scheduler + SCHEDULER_ROOT_LEAVES) + slot) >> 1;
  while (node > 0) {
    // Who loses twice was overtaken by somebody that has begun after it, and has seen what it has seen.
    if (play(scheduler, node) == 0) play(scheduler, node);
    node = node >> 1;
  }
}

/** @returns 1, or 0 where somebody else has played meanwhile */
function play(scheduler: i32, node: i32): i32 {
  const at = nodeAt(scheduler, node);
  load64(at);
  const before = low();
  const version = high();
  const winner = better(scheduler, winnerAt(scheduler, 2 * node), winnerAt(scheduler, 2 * node + 1));
  // publish: also where the winner is the same: who has begun before must not put an older one in its place.
  return compareExchange64(at, before, version, winner, (version + 1) | 0);
}

/** @returns slot + 1, or 0 for none */
function winnerAt(scheduler: i32, node: i32): i32 {
  load64(nodeAt(scheduler, node));
  const deadlineOrWinner = low();
  const leaves = get(scheduler + SCHEDULER_ROOT_LEAVES);
  if (node < leaves) return deadlineOrWinner;
  return deadlineOrWinner == 0 ? 0 : (node - leaves + 1) | 0;
}

/**
 * Of two winners. One without a deadline has been taken away, and who did so has yet to play, or has ended: it wins, so that somebody
 * finds it at the root. It hides another one below it.
 */
function better(scheduler: i32, a: i32, b: i32): i32 {
  if (a == 0) return b;
  if (b == 0) return a;
  load64(leafAt(scheduler, (a - 1) | 0));
  const deadlineA = low();
  const keyA = high();
  if (deadlineA == 0) return a;
  load64(leafAt(scheduler, (b - 1) | 0));
  const deadlineB = low();
  const keyB = high();
  if (deadlineB == 0) return b;
  const later = (deadlineA - deadlineB) | 0;
  if (later != 0) return later < 0 ? a : b;
  return ((keyA - keyB) | 0) <= 0 ? a : b; // the ticket is in its upper bits
}

function nodeAt(scheduler: i32, node: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_ORDER_AT) + node * DEADLINE_NODE_BYTES + DEADLINE_NODE_WINNER;
}

/** Address of the leaf of a slot. */
export function leafAt(scheduler: i32, slot: i32): i32 {
  return nodeAt(scheduler, (get(scheduler + SCHEDULER_ROOT_LEAVES) + slot) | 0);
}
