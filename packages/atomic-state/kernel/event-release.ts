// Releasing taken slots to the next lap. The journal moves on with each, as in event-publish.ts.
import { compareExchange, get, set } from '@corelane/shared-memory/kernel/atomics';
import { leftOf, positionOf, urgentOf, withoutFirst } from './event-journal.ts';
import { POSITION_MASK } from './event-position.ts';
import { stateAt, stateOf } from './event-slot.ts';
import {
  EVENT_ABANDONED,
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_FREE,
  EVENT_LOST,
  EVENT_READY,
  EVENT_SEAT_TAKE,
} from './layout.generated.ts';

/**
 * Is done with the next `count` slots that the seat took.
 * @returns how many of them were events (the others are abandoned slots), or EVENT_LOST where they were taken from the seat
 */
export function releaseEvents(buffer: i32, seat: i32, count: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  let journal = get(seat + EVENT_SEAT_TAKE);
  if (leftOf(journal) < count) return EVENT_LOST; // as in publishEvents
  let events: i32 = 0;
  for (let i = 0; i < count; i++) {
    const position = positionOf(journal);
    const at = stateAt(buffer, position, urgentOf(journal), capacity);
    const next = stateOf((position + capacity) & POSITION_MASK, EVENT_FREE);
    const ready = stateOf(position, EVENT_READY);
    // release: pairs with observe in roomFrom, one lap later. A CAS, because the slot may have been reclaimed.
    if (compareExchange(at, ready, next) == ready) events = (events + 1) | 0;
    else {
      const abandoned = stateOf(position, EVENT_ABANDONED);
      if (compareExchange(at, abandoned, next) != abandoned) return EVENT_LOST;
    }
    journal = withoutFirst(journal);
    set(seat + EVENT_SEAT_TAKE, journal);
  }
  return events;
}
