// Claiming slots for events: all or nothing, and without a trace where refused. PROTOCOL.md, section "Event buffer".
//
// Between the CAS of `tail` and the last word of the journal there is no loop and no call, so no point at which V8 stops a thread:
// a claim always has an owner.
import { compareExchange64, get, high, load, load64, low, set } from '@corelane/shared-memory/kernel/atomics';
import { addTally } from '@corelane/shared-memory/kernel/tally';
import { admitEvents, refundEvents } from './admission.ts';
import { journalOf } from './event-journal.ts';
import { advancedHigh, advancedLow, positionIn } from './event-position.ts';
import { NO_ROOM, ROOM, roomFrom, slotOf } from './event-slot.ts';
import {
  CELL_BYTES,
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_BUFFER_ROOT_CELLS,
  EVENT_BUFFER_ROOT_CLOCK,
  EVENT_BUFFER_ROOT_TAIL,
  EVENT_LOST,
  EVENT_META_ADMISSION_SHIFT,
  EVENT_META_ENDPOINT_SHIFT,
  EVENT_META_ID_HIGH_MASK,
  EVENT_REFUSAL_BYTES,
  EVENT_REFUSED_FULL,
  EVENT_SEAT_CLAIM,
  EVENT_SEAT_CLAIMS,
  EVENT_SEAT_CLAIM_ID_LOW,
  EVENT_SEAT_CLAIM_META,
  EVENT_SEAT_CLAIM_RETRIES,
  EVENT_SEAT_OWNER,
  EVENT_SEAT_REFUSED,
} from './layout.generated.ts';

/** Nothing admitted yet. */
const NOT_ASKED: i32 = -1;

/**
 * Claims `count` slots of a ring, at most its capacity and MAX_EVENT_BATCH, and as many ids, in one step.
 * @param urgent EVENT_URGENT or 0
 * @param me the number of the thread whose seat it is
 * @returns the first slot, the others follow in the ring; or one of REFUSED_…, EVENT_REFUSED_FULL and EVENT_LOST, where nothing was changed
 */
export function claimEvents(buffer: i32, seat: i32, endpoint: i32, count: i32, urgent: i32, me: i32): i32 {
  // Reclaimed while it was alive: the seat may be another's by now.
  if (load(seat + EVENT_SEAT_OWNER) != me) return EVENT_LOST;
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  const cell = (get(buffer + EVENT_BUFFER_ROOT_CELLS) + endpoint * CELL_BYTES) | 0;
  let admission: i32 = NOT_ASKED;
  while (true) {
    load64(buffer + EVENT_BUFFER_ROOT_TAIL);
    const tailLow = low();
    const tailHigh = high();
    const position = positionIn(tailLow, tailHigh, urgent);
    const room = roomFrom(buffer, position, count, urgent, capacity);
    if (room == ROOM) {
      if (admission == NOT_ASKED) {
        admission = admitEvents(cell, count, load(get(buffer + EVENT_BUFFER_ROOT_CLOCK)));
        if (admission < 0) return refused(seat, admission);
      }
      const nextHigh = advancedHigh(tailLow, tailHigh, count, urgent);
      const meta =
        (tailHigh & EVENT_META_ID_HIGH_MASK) |
        (endpoint << EVENT_META_ENDPOINT_SHIFT) |
        (admission << EVENT_META_ADMISSION_SHIFT);
      // claim: against every other claimEvents; the winner alone writes the slots. `tail` is what it was when the slots were free.
      if (
        compareExchange64(
          buffer + EVENT_BUFFER_ROOT_TAIL,
          tailLow,
          tailHigh,
          advancedLow(tailLow, count),
          nextHigh,
        ) != 0
      ) {
        set(seat + EVENT_SEAT_CLAIM_ID_LOW, tailLow);
        set(seat + EVENT_SEAT_CLAIM_META, meta);
        set(seat + EVENT_SEAT_CLAIM, journalOf(position, count, urgent));
        addTally(seat + EVENT_SEAT_CLAIMS, 1);
        return slotOf(position, urgent, capacity);
      }
      addTally(seat + EVENT_SEAT_CLAIM_RETRIES, 1);
    } else if (room == NO_ROOM && tailIs(buffer, tailLow, tailHigh) != 0) {
      // Looked at twice: a thread that slept for half of all positions takes the slots of a lap ahead for those of one behind.
      if (admission != NOT_ASKED) refundEvents(cell, count, admission);
      return refused(seat, EVENT_REFUSED_FULL);
    }
  }
}

function tailIs(buffer: i32, tailLow: i32, tailHigh: i32): i32 {
  load64(buffer + EVENT_BUFFER_ROOT_TAIL);
  return low() == tailLow && high() == tailHigh ? 1 : 0;
}

/** Counts a refusal. */
export function refused(seat: i32, code: i32): i32 {
  addTally((seat + EVENT_SEAT_REFUSED + (-1 - code) * EVENT_REFUSAL_BYTES) | 0, 1);
  return code;
}
