// Publishing claimed slots, in the order of their ids. The journal moves on with each: at the start of every iteration, where a thread
// can be stopped, it names exactly those that are not published.
import { compareExchange, get, load, set } from '@corelane/shared-memory/kernel/atomics';
import { unpark } from '@corelane/shared-memory/kernel/parker';
import { leftOf, positionOf, urgentOf, withoutFirst } from './event-journal.ts';
import { advancedLow, POSITION_MASK, totalHighAfter } from './event-position.ts';
import { headerOf, slotOf, stateAt, stateOf } from './event-slot.ts';
import {
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_BUFFER_ROOT_PARKER,
  EVENT_BUFFER_ROOT_SLEEPERS,
  EVENT_FREE,
  EVENT_HEADER_ID_LOW,
  EVENT_HEADER_LENGTH_BYTES,
  EVENT_HEADER_META,
  EVENT_LENGTHS_WRITTEN,
  EVENT_LOST,
  EVENT_META_ID_HIGH_MASK,
  EVENT_READY,
  EVENT_SEAT_CLAIM,
  EVENT_SEAT_CLAIM_ID_LOW,
  EVENT_SEAT_CLAIM_META,
} from './layout.generated.ts';

/**
 * Publishes the next `count` slots of the seat's claim, whose payloads are written, and wakes consumers that wait.
 * @param length of each payload in bytes, or EVENT_LENGTHS_WRITTEN
 * @returns how many, or EVENT_LOST where the claim was taken from the seat
 */
export function publishEvents(buffer: i32, seat: i32, count: i32, length: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  let journal = get(seat + EVENT_SEAT_CLAIM);
  // Reclaimed while it was alive: there is nothing to publish, and nobody's slot must be.
  if (leftOf(journal) < count) return EVENT_LOST;
  let idLow = get(seat + EVENT_SEAT_CLAIM_ID_LOW);
  let meta = get(seat + EVENT_SEAT_CLAIM_META);
  // All that is plain first: cache lines that another core has come in at the same time then, and not one after the other's CAS.
  for (let i = 0; i < count; i++) {
    const header = headerOf(
      buffer,
      slotOf((positionOf(journal) + i) & POSITION_MASK, urgentOf(journal), capacity),
    );
    set(header + EVENT_HEADER_ID_LOW, idLow);
    set(header + EVENT_HEADER_META, meta);
    if (length != EVENT_LENGTHS_WRITTEN) set(header + EVENT_HEADER_LENGTH_BYTES, length);
    meta = (meta & ~EVENT_META_ID_HIGH_MASK) | totalHighAfter(idLow, meta, 1);
    idLow = advancedLow(idLow, 1);
  }
  for (let i = 0; i < count; i++) {
    const position = positionOf(journal);
    const at = stateAt(buffer, position, urgentOf(journal), capacity);
    const free = stateOf(position, EVENT_FREE);
    // publish: header and payload; pairs with observe in readyFrom. A CAS, because the claim may have been reclaimed.
    if (compareExchange(at, free, stateOf(position, EVENT_READY)) != free) return EVENT_LOST;
    journal = withoutFirst(journal);
    set(seat + EVENT_SEAT_CLAIM, journal);
  }
  // Not with each: whoever reclaims the rest needs no ids.
  set(seat + EVENT_SEAT_CLAIM_ID_LOW, idLow);
  set(seat + EVENT_SEAT_CLAIM_META, meta);
  // observe: pairs with the addition in sleepAtEvents. After the publication: who is not seen here will see the events.
  if (load(buffer + EVENT_BUFFER_ROOT_SLEEPERS) != 0)
    unpark(buffer + EVENT_BUFFER_ROOT_PARKER, count == 1 ? 1 : -1);
  return count;
}
