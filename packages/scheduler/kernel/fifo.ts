// Policy fifo: tasks of all clients in the order of their tickets, which clients draw when they submit. Each lane is in that order
// already, so the oldest task is the oldest of one of them.
import { add, get, load, store } from '@corelane/shared-memory/kernel/atomics';
import {
  NO_HINT,
  SCHEDULER_ROOT_ORDER_AT,
  SCHEDULER_ROOT_TICKETS,
  SLOT_HINT_SLOT_MASK,
  SLOT_TICKET_BYTES,
  SLOT_TICKET_TICKET,
} from './layout.generated.ts';
import { isStale } from './hints.ts';
import { peekHint, seekLane, takeThis } from './lanes.ts';

/** Of the client, before the slot is queued. */
export function drawTicket(scheduler: i32, slot: i32): void {
  // Observed by whoever has a hint to the slot: the state publishes it.
  store(ticketAt(scheduler, slot), add(scheduler + SCHEDULER_ROOT_TICKETS, 1));
}

/** Takes the hint to the oldest task out of its lane. @returns it, or NO_HINT: look again, others may have been faster */
export function takeOldest(scheduler: i32, level: i32): i32 {
  let found = NO_HINT;
  let from = -1;
  let oldest = 0;
  let last = -1;
  let client = seekLane(scheduler, level, 0);
  while (client > last) {
    const hint = peekHint(scheduler, client, level);
    if (hint != NO_HINT) {
      // Out of the way: what is behind it may be older than anything else, and its slot may have another ticket.
      if (isStale(scheduler, hint) != 0) return takeThis(scheduler, client, level, hint);
      const ticket = load(ticketAt(scheduler, hint & SLOT_HINT_SLOT_MASK));
      if (from < 0 || ((ticket - oldest) | 0) < 0) {
        found = hint;
        from = client;
        oldest = ticket;
      }
    }
    last = client;
    client = seekLane(scheduler, level, (client + 1) | 0); // the first again where there is no other
  }
  // Not what is behind it, where another worker was faster: that may not be the oldest.
  return from < 0 ? NO_HINT : takeThis(scheduler, from, level, found);
}

function ticketAt(scheduler: i32, slot: i32): i32 {
  return get(scheduler + SCHEDULER_ROOT_ORDER_AT) + slot * SLOT_TICKET_BYTES + SLOT_TICKET_TICKET;
}
