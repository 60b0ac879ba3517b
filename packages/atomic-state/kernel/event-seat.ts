// Seats: a producer or consumer takes one, and frees it when it is disposed of. Whoever reclaims a thread adopts its seats, one after
// the other, settles what their journals say, and frees them. Should it end meanwhile, they are its own, and whoever reclaims *it* goes on.
import { add, compareExchange, get, load, set, store, sub } from '@corelane/shared-memory/kernel/atomics';
import { unpark } from '@corelane/shared-memory/kernel/parker';
import { leftOf, positionOf, urgentOf, withoutFirst } from './event-journal.ts';
import { releaseEvents } from './event-release.ts';
import { stateAt, stateOf } from './event-slot.ts';
import {
  EVENT_ABANDONED,
  EVENT_BUFFER_ROOT_ABANDONED,
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_BUFFER_ROOT_LOST_WITH_CONSUMER,
  EVENT_BUFFER_ROOT_PARKER,
  EVENT_BUFFER_ROOT_SLEEPERS,
  EVENT_FREE,
  EVENT_SEAT_ASLEEP,
  EVENT_SEAT_CLAIM,
  EVENT_SEAT_OWNER,
  EVENT_SEAT_TAKE,
} from './layout.generated.ts';

/** Gives a seat from one owner to another. 0 is nobody. @returns 1, or 0 where `from` does not have it */
export function passSeat(seat: i32, from: i32, to: i32): i32 {
  // pairs with the store in freeSeat, and with this CAS on other threads: hands over the journal and the tallies.
  return compareExchange(seat + EVENT_SEAT_OWNER, from, to) == from ? 1 : 0;
}

/** Of its owner: who has the seat now may not be known any more. */
export function seatOwner(seat: i32): i32 {
  return load(seat + EVENT_SEAT_OWNER);
}

/** Of its owner, whose journal is empty. */
export function freeSeat(seat: i32): void {
  store(seat + EVENT_SEAT_OWNER, 0); // publish: pairs with passSeat
}

/** Turns what the seat has claimed and not published into abandoned slots. @returns how many */
export function abandonClaim(buffer: i32, seat: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  let abandoned: i32 = 0;
  for (let journal = get(seat + EVENT_SEAT_CLAIM); leftOf(journal) > 0; journal = withoutFirst(journal)) {
    const position = positionOf(journal);
    const free = stateOf(position, EVENT_FREE);
    const at = stateAt(buffer, position, urgentOf(journal), capacity);
    // publish: pairs with observe in readyFrom. A CAS, because a thread that was taken for dead may publish.
    if (compareExchange(at, free, stateOf(position, EVENT_ABANDONED)) == free) {
      abandoned = (abandoned + 1) | 0;
      add(buffer + EVENT_BUFFER_ROOT_ABANDONED, 1); // pairs with the loads of metrics
    }
    set(seat + EVENT_SEAT_CLAIM, withoutFirst(journal));
  }
  return abandoned;
}

/** Releases what the seat has taken: those events are lost. @returns how many */
export function dropTaken(buffer: i32, seat: i32): i32 {
  let lost: i32 = 0;
  while (leftOf(get(seat + EVENT_SEAT_TAKE)) > 0) {
    const events = releaseEvents(buffer, seat, 1);
    if (events < 0) {
      set(seat + EVENT_SEAT_TAKE, 0);
      return lost;
    }
    lost = (lost + events) | 0;
    add(buffer + EVENT_BUFFER_ROOT_LOST_WITH_CONSUMER, events); // pairs with the loads of metrics
  }
  return lost;
}

/** Announces a consumer that waits at the parker. Before its `prepare`, and that before its look at the rings. */
export function sleepAtEvents(buffer: i32, seat: i32): void {
  set(seat + EVENT_SEAT_ASLEEP, (get(seat + EVENT_SEAT_ASLEEP) + 1) | 0);
  add(buffer + EVENT_BUFFER_ROOT_SLEEPERS, 1); // publish: pairs with the load in publishEvents
}

/**
 * It does not wait any more. It may have been woken for an event that it did not take, or that it was not for: so another one is woken,
 * to look.
 */
export function wakeAtEvents(buffer: i32, seat: i32): void {
  set(seat + EVENT_SEAT_ASLEEP, (get(seat + EVENT_SEAT_ASLEEP) - 1) | 0);
  if (sub(buffer + EVENT_BUFFER_ROOT_SLEEPERS, 1) != 1) unpark(buffer + EVENT_BUFFER_ROOT_PARKER, 1);
}

/** What a seat was counted in `sleepers` for, whoever did; then all that wait are woken, for a wake-up may have gone to it. */
export function forgetSleeper(buffer: i32, seat: i32): void {
  const asleep = get(seat + EVENT_SEAT_ASLEEP);
  set(seat + EVENT_SEAT_ASLEEP, 0);
  if (asleep != 0) sub(buffer + EVENT_BUFFER_ROOT_SLEEPERS, asleep);
  if (load(buffer + EVENT_BUFFER_ROOT_SLEEPERS) != 0) unpark(buffer + EVENT_BUFFER_ROOT_PARKER, -1);
}
