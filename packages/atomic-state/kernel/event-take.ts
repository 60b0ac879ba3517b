// Taking events: urgent ones first, each by one consumer. As in event-claim.ts, a taken event always has an owner.
import { compareExchange64, get, high, load, load64, low, set } from '@corelane/shared-memory/kernel/atomics';
import { addTally } from '@corelane/shared-memory/kernel/tally';
import { journalOf } from './event-journal.ts';
import { advancedHigh, advancedLow, positionIn } from './event-position.ts';
import { releaseEvents } from './event-release.ts';
import { FIRST_ABANDONED, readyFrom, slotOf } from './event-slot.ts';
import {
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_BUFFER_ROOT_HEAD,
  EVENT_LOST,
  EVENT_NONE,
  EVENT_SEAT_OWNER,
  EVENT_SEAT_TAKE,
  EVENT_SEAT_TAKES,
  EVENT_SEAT_TAKE_RETRIES,
  EVENT_URGENT,
} from './layout.generated.ts';

/**
 * Takes the next events of one ring: the urgent one where it has any that is published next, else the normal one. `take` of the
 * seat says how many.
 * @param most 1 to MAX_EVENT_BATCH
 * @param me the number of the thread whose seat it is
 * @returns the first slot, or EVENT_NONE or EVENT_LOST
 */
export function takeEvents(buffer: i32, seat: i32, most: i32, me: i32): i32 {
  if (load(seat + EVENT_SEAT_OWNER) != me) return EVENT_LOST; // as in claimEvents
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  while (true) {
    load64(buffer + EVENT_BUFFER_ROOT_HEAD);
    const headLow = low();
    const headHigh = high();
    let urgent: i32 = EVENT_URGENT;
    let position = positionIn(headLow, headHigh, EVENT_URGENT);
    let ready = readyFrom(buffer, position, most, EVENT_URGENT, capacity);
    if (ready == 0) {
      urgent = 0;
      position = positionIn(headLow, headHigh, 0);
      ready = readyFrom(buffer, position, most, 0, capacity);
    }
    if (ready == 0) {
      // Looked at twice: a head that has moved on finds slots of a lap ahead, and says nothing of what is in the rings.
      load64(buffer + EVENT_BUFFER_ROOT_HEAD);
      if (low() == headLow && high() == headHigh) return EVENT_NONE;
      continue;
    }
    const count: i32 = ready == FIRST_ABANDONED ? 1 : ready;
    const nextHigh = advancedHigh(headLow, headHigh, count, urgent);
    // take: against every other takeEvents; the winner alone reads the slots.
    if (
      compareExchange64(
        buffer + EVENT_BUFFER_ROOT_HEAD,
        headLow,
        headHigh,
        advancedLow(headLow, count),
        nextHigh,
      ) != 0
    ) {
      set(seat + EVENT_SEAT_TAKE, journalOf(position, count, urgent));
      addTally(seat + EVENT_SEAT_TAKES, 1);
      if (ready != FIRST_ABANDONED) return slotOf(position, urgent, capacity);
      releaseEvents(buffer, seat, 1);
    } else addTally(seat + EVENT_SEAT_TAKE_RETRIES, 1);
  }
}
