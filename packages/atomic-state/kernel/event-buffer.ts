// An event buffer before it is shared, and its two words for JavaScript.
import { compareExchange64, get, high, load64, low, store } from '@corelane/shared-memory/kernel/atomics';
import { POSITION_MASK, positionIn } from './event-position.ts';
import { stateAt, stateOf } from './event-slot.ts';
import {
  EVENT_BUFFER_ROOT_CAPACITY,
  EVENT_BUFFER_ROOT_HEAD,
  EVENT_BUFFER_ROOT_TAIL,
  EVENT_FREE,
} from './layout.generated.ts';

/** Makes both rings empty; the next id and positions are those of `startLow` and `startHigh`, an eventPosition. */
export function initializeEvents(buffer: i32, startLow: i32, startHigh: i32): void {
  setWord(buffer + EVENT_BUFFER_ROOT_TAIL, startLow, startHigh);
  setWord(buffer + EVENT_BUFFER_ROOT_HEAD, startLow, startHigh);
  const capacity = get(buffer + EVENT_BUFFER_ROOT_CAPACITY);
  for (let urgent = 0; urgent < 2; urgent++) {
    const first = positionIn(startLow, startHigh, urgent);
    for (let i = 0; i < capacity; i++) {
      const position = (first + i) & POSITION_MASK;
      store(stateAt(buffer, position, urgent, capacity), stateOf(position, EVENT_FREE));
    }
  }
}

function setWord(at: i32, lowHalf: i32, highHalf: i32): void {
  load64(at);
  compareExchange64(at, low(), high(), lowHalf, highHalf);
}

/** Observes `tail`: its halves by `low` and `high`. */
export function observeTail(buffer: i32): void {
  load64(buffer + EVENT_BUFFER_ROOT_TAIL);
}

/** Observes `head`: its halves by `low` and `high`. */
export function observeHead(buffer: i32): void {
  load64(buffer + EVENT_BUFFER_ROOT_HEAD);
}
