// The event buffer's standard twin: two plain rings under one mutex. The same steps as event-claim.ts, event-publish.ts, event-take.ts and
// event-release.ts, each inside; payloads are copied outside, between claim and publication, so that nobody waits for them.
//
// As there, what a seat holds is in its journal at every point where V8 can stop a thread: between the words of a step there is no
// loop and no call. Whoever takes the mutex after a thread that died inside has nothing to repair.
import { lockMutex, markMutexConsistent, unlockMutex } from '@corelane/lock-free/kernel/mutex';
import { LOCK_RECOVERED, MUTEX_WORDS_STATE } from '@corelane/lock-free/kernel/layout.generated';
import { add, compareExchange, get, load, load64, set } from '@corelane/shared-memory/kernel/atomics';
import { unpark } from '@corelane/shared-memory/kernel/parker';
import { addTally } from '@corelane/shared-memory/kernel/tally';
import { refused } from './event-claim.ts';
import { journalOf, leftOf, positionOf, urgentOf, withoutFirst } from './event-journal.ts';
import { advancedHigh, advancedLow, POSITION_MASK, positionIn, totalHighAfter } from './event-position.ts';
import {
  FIRST_ABANDONED,
  headerOf,
  readyFrom,
  ROOM,
  roomFrom,
  slotOf,
  stateAt,
  stateOf,
} from './event-slot.ts';
import {
  EVENT_ABANDONED,
  EVENT_BUFFER_ROOT_ABANDONED,
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_BUFFER_ROOT_CELLS,
  EVENT_BUFFER_ROOT_CLOCK,
  EVENT_BUFFER_ROOT_LOST_WITH_CONSUMER,
  EVENT_BUFFER_ROOT_PARKER,
  EVENT_BUFFER_ROOT_SLEEPERS,
  EVENT_BUFFER_ROOT_STANDARD_HEAD,
  EVENT_BUFFER_ROOT_STANDARD_MUTEX,
  EVENT_BUFFER_ROOT_STANDARD_TAIL,
  EVENT_FREE,
  EVENT_HEADER_ID_LOW,
  EVENT_HEADER_LENGTH_BYTES,
  EVENT_HEADER_META,
  EVENT_LENGTHS_WRITTEN,
  EVENT_LOST,
  EVENT_META_ADMISSION_SHIFT,
  EVENT_META_ENDPOINT_SHIFT,
  EVENT_META_ID_HIGH_MASK,
  EVENT_NONE,
  EVENT_READY,
  EVENT_REFUSED_FULL,
  EVENT_SEAT_CLAIM,
  EVENT_SEAT_CLAIMS,
  EVENT_SEAT_CLAIM_ID_LOW,
  EVENT_SEAT_CLAIM_META,
  EVENT_SEAT_OWNER,
  EVENT_SEAT_TAKE,
  EVENT_SEAT_TAKES,
  EVENT_URGENT,
  STANDARD_CELL_BYTES,
} from './layout.generated.ts';
import { admitStandardEvents } from './standard-admission.ts';

/** Looks at a mutex that is held before parking. */
const SPINS: i32 = 30;
const HIGH: i32 = 4;

/** The first step of lockMutex, so that it is inlined: `if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);` */
function tryEnter(buffer: i32, me: i32): i32 {
  // take: pairs with the release in tryLeave.
  return compareExchange(buffer + EVENT_BUFFER_ROOT_STANDARD_MUTEX + MUTEX_WORDS_STATE, 0, me) == 0 ? 1 : 0;
}

function enterSlowly(buffer: i32, me: i32): void {
  const mutex = buffer + EVENT_BUFFER_ROOT_STANDARD_MUTEX;
  // LOCK_RELOCK as in standard-cell.ts.
  if (lockMutex(mutex, me, SPINS) == LOCK_RECOVERED) markMutexConsistent(mutex, me);
}

/** The first step of unlockMutex: `if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);` */
function tryLeave(buffer: i32, me: i32): i32 {
  // release: publishes rings, headers and payloads; pairs with the take in tryEnter.
  return compareExchange(buffer + EVENT_BUFFER_ROOT_STANDARD_MUTEX + MUTEX_WORDS_STATE, me, 0) == me ? 1 : 0;
}

function leaveSlowly(buffer: i32, me: i32): void {
  unlockMutex(buffer + EVENT_BUFFER_ROOT_STANDARD_MUTEX, me);
}

/** As `initializeEvents`. */
export function initializeStandardEvents(buffer: i32, startLow: i32, startHigh: i32): void {
  setWord(buffer + EVENT_BUFFER_ROOT_STANDARD_TAIL, startLow, startHigh);
  setWord(buffer + EVENT_BUFFER_ROOT_STANDARD_HEAD, startLow, startHigh);
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  for (let urgent = 0; urgent < 2; urgent++) {
    const first = positionIn(startLow, startHigh, urgent);
    for (let i = 0; i < capacity; i++) {
      const position = (first + i) & POSITION_MASK;
      set(stateAt(buffer, position, urgent, capacity), stateOf(position, EVENT_FREE));
    }
  }
}

/** Observes one of the positions, `field` of the root: its halves by `low` and `high`. */
export function observeStandard(buffer: i32, field: i32, me: i32): void {
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  load64(buffer + field);
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
}

/** As `claimEvents`. */
export function claimStandardEvents(
  buffer: i32,
  seat: i32,
  endpoint: i32,
  count: i32,
  urgent: i32,
  me: i32,
): i32 {
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  const slot = claim(buffer, seat, endpoint, count, urgent, me);
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
  return slot;
}

function claim(buffer: i32, seat: i32, endpoint: i32, count: i32, urgent: i32, me: i32): i32 {
  if (load(seat + EVENT_SEAT_OWNER) != me) return EVENT_LOST;
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  const tail = buffer + EVENT_BUFFER_ROOT_STANDARD_TAIL;
  const tailLow = get(tail);
  const tailHigh = get(tail + HIGH);
  const position = positionIn(tailLow, tailHigh, urgent);
  if (roomFrom(buffer, position, count, urgent, capacity) != ROOM) return refused(seat, EVENT_REFUSED_FULL);
  // The endpoint's mutex within the buffer's: nobody takes them the other way round.
  const cell = (get(buffer + EVENT_BUFFER_ROOT_CELLS) + endpoint * STANDARD_CELL_BYTES) | 0;
  const admission = admitStandardEvents(cell, count, load(get(buffer + EVENT_BUFFER_ROOT_CLOCK)), me);
  if (admission < 0) return refused(seat, admission);
  const meta =
    (tailHigh & EVENT_META_ID_HIGH_MASK) |
    (endpoint << EVENT_META_ENDPOINT_SHIFT) |
    (admission << EVENT_META_ADMISSION_SHIFT);
  setWord(tail, advancedLow(tailLow, count), advancedHigh(tailLow, tailHigh, count, urgent));
  set(seat + EVENT_SEAT_CLAIM_ID_LOW, tailLow);
  set(seat + EVENT_SEAT_CLAIM_META, meta);
  set(seat + EVENT_SEAT_CLAIM, journalOf(position, count, urgent));
  addTally(seat + EVENT_SEAT_CLAIMS, 1);
  return slotOf(position, urgent, capacity);
}

/** As `publishEvents`. */
export function publishStandardEvents(buffer: i32, seat: i32, count: i32, length: i32, me: i32): i32 {
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  const published = publish(buffer, seat, count, length);
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
  // observe: pairs with the addition in sleepAtEvents. After the mutex: who is not seen here will see the events.
  if (published > 0 && load(buffer + EVENT_BUFFER_ROOT_SLEEPERS) != 0)
    unpark(buffer + EVENT_BUFFER_ROOT_PARKER, published == 1 ? 1 : -1);
  return published;
}

function publish(buffer: i32, seat: i32, count: i32, length: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  let journal = get(seat + EVENT_SEAT_CLAIM);
  if (leftOf(journal) < count) return EVENT_LOST;
  let idLow = get(seat + EVENT_SEAT_CLAIM_ID_LOW);
  let meta = get(seat + EVENT_SEAT_CLAIM_META);
  for (let i = 0; i < count; i++) {
    const position = positionOf(journal);
    const at = stateAt(buffer, position, urgentOf(journal), capacity);
    if (load(at) != stateOf(position, EVENT_FREE)) return EVENT_LOST; // reclaimed while the thread was alive
    const header = headerOf(buffer, slotOf(position, urgentOf(journal), capacity));
    set(header + EVENT_HEADER_ID_LOW, idLow);
    set(header + EVENT_HEADER_META, meta);
    if (length != EVENT_LENGTHS_WRITTEN) set(header + EVENT_HEADER_LENGTH_BYTES, length);
    set(at, stateOf(position, EVENT_READY));
    journal = withoutFirst(journal);
    set(seat + EVENT_SEAT_CLAIM, journal);
    meta = (meta & ~EVENT_META_ID_HIGH_MASK) | totalHighAfter(idLow, meta, 1);
    idLow = advancedLow(idLow, 1);
  }
  set(seat + EVENT_SEAT_CLAIM_ID_LOW, idLow);
  set(seat + EVENT_SEAT_CLAIM_META, meta);
  return count;
}

/** As `takeEvents`. */
export function takeStandardEvents(buffer: i32, seat: i32, most: i32, me: i32): i32 {
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  const slot = take(buffer, seat, most, me);
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
  return slot;
}

function take(buffer: i32, seat: i32, most: i32, me: i32): i32 {
  if (load(seat + EVENT_SEAT_OWNER) != me) return EVENT_LOST;
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  const head = buffer + EVENT_BUFFER_ROOT_STANDARD_HEAD;
  while (true) {
    const headLow = get(head);
    const headHigh = get(head + HIGH);
    let urgent: i32 = EVENT_URGENT;
    let position = positionIn(headLow, headHigh, EVENT_URGENT);
    let ready = readyFrom(buffer, position, most, EVENT_URGENT, capacity);
    if (ready == 0) {
      urgent = 0;
      position = positionIn(headLow, headHigh, 0);
      ready = readyFrom(buffer, position, most, 0, capacity);
    }
    if (ready == 0) return EVENT_NONE;
    const count: i32 = ready == FIRST_ABANDONED ? 1 : ready;
    setWord(head, advancedLow(headLow, count), advancedHigh(headLow, headHigh, count, urgent));
    set(seat + EVENT_SEAT_TAKE, journalOf(position, count, urgent));
    addTally(seat + EVENT_SEAT_TAKES, 1);
    if (ready != FIRST_ABANDONED) return slotOf(position, urgent, capacity);
    release(buffer, seat, 1);
  }
}

/** As `releaseEvents`. */
export function releaseStandardEvents(buffer: i32, seat: i32, count: i32, me: i32): i32 {
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  const events = release(buffer, seat, count);
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
  return events;
}

function release(buffer: i32, seat: i32, count: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  let journal = get(seat + EVENT_SEAT_TAKE);
  if (leftOf(journal) < count) return EVENT_LOST;
  let events: i32 = 0;
  for (let i = 0; i < count; i++) {
    const position = positionOf(journal);
    const at = stateAt(buffer, position, urgentOf(journal), capacity);
    const state = load(at);
    if (state == stateOf(position, EVENT_READY)) events = (events + 1) | 0;
    else if (state != stateOf(position, EVENT_ABANDONED)) return EVENT_LOST;
    set(at, stateOf((position + capacity) & POSITION_MASK, EVENT_FREE));
    journal = withoutFirst(journal);
    set(seat + EVENT_SEAT_TAKE, journal);
  }
  return events;
}

/** As `abandonClaim`. */
export function abandonStandardClaim(buffer: i32, seat: i32, me: i32): i32 {
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  let abandoned: i32 = 0;
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  for (let journal = get(seat + EVENT_SEAT_CLAIM); leftOf(journal) > 0; journal = withoutFirst(journal)) {
    const position = positionOf(journal);
    const at = stateAt(buffer, position, urgentOf(journal), capacity);
    if (load(at) == stateOf(position, EVENT_FREE)) {
      set(at, stateOf(position, EVENT_ABANDONED));
      abandoned = (abandoned + 1) | 0;
      add(buffer + EVENT_BUFFER_ROOT_ABANDONED, 1); // pairs with the loads of metrics
    }
    set(seat + EVENT_SEAT_CLAIM, withoutFirst(journal));
  }
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
  return abandoned;
}

/** As `dropTaken`. */
export function dropStandardTaken(buffer: i32, seat: i32, me: i32): i32 {
  let lost: i32 = 0;
  if (tryEnter(buffer, me) == 0) enterSlowly(buffer, me);
  while (leftOf(get(seat + EVENT_SEAT_TAKE)) > 0) {
    const events = release(buffer, seat, 1);
    if (events < 0) {
      set(seat + EVENT_SEAT_TAKE, 0);
      break;
    }
    lost = (lost + events) | 0;
    add(buffer + EVENT_BUFFER_ROOT_LOST_WITH_CONSUMER, events); // pairs with the loads of metrics
  }
  if (tryLeave(buffer, me) == 0) leaveSlowly(buffer, me);
  return lost;
}

function setWord(at: i32, lowHalf: i32, highHalf: i32): void {
  set(at, lowHalf);
  set(at + HIGH, highHalf);
}
