// A millisecond clock in one shared word, and the claim of the one ticker that advances it.
//
// The word only goes forward: whoever ticks computes the time for itself and publishes it by CAS, unless another thread has
// published a later one. So a ticker that was put off for a second and wakes beside its successor does no harm.
// Times wrap freely; they are compared by the sign of their difference, which holds while the word is never more than 2^31 ms
// (24.8 days) behind.
import { add, compareExchange, load, notify, wait } from './atomics.ts';
import {
  COARSE_CLOCK_ROOT_NOW,
  COARSE_CLOCK_ROOT_SERIAL,
  COARSE_CLOCK_ROOT_TICKER,
} from './layout.generated.ts';

/** Milliseconds, wrapping. */
export function readClock(clock: i32): i32 {
  return load(clock + COARSE_CLOCK_ROOT_NOW); // observe: pairs with the CAS in advanceClock
}

/** Moves the clock forward to `time`, never back. Returns what it shows afterwards: `time`, or something later. */
export function advanceClock(clock: i32, time: i32): i32 {
  while (true) {
    const shown = load(clock + COARSE_CLOCK_ROOT_NOW);
    if (((time - shown) | 0) <= 0) return shown;
    // publish: pairs with readClock, and with this CAS on another thread that ticks.
    if (compareExchange(clock + COARSE_CLOCK_ROOT_NOW, shown, time) == shown) return time;
  }
}

/**
 * Makes the caller the ticker where the clock's ticker is still `from` (0: where it has none).
 * @returns its token, which is never 0; 0 where another ticker has the clock
 */
export function claimTicker(clock: i32, from: i32): i32 {
  let token: i32 = 0;
  while (token == 0) token = (add(clock + COARSE_CLOCK_ROOT_SERIAL, 1) + 1) | 0;
  // publish: pairs with the same CAS on another thread, and with the old ticker's look at the word before each tick.
  return compareExchange(clock + COARSE_CLOCK_ROOT_TICKER, from, token) == from ? token : 0;
}

/** Gives the clock up and wakes the ticker's thread if it is parked. Returns 1, or 0 where `token` is not its ticker. */
export function releaseTicker(clock: i32, token: i32): i32 {
  if (compareExchange(clock + COARSE_CLOCK_ROOT_TICKER, token, 0) != token) return 0;
  notify(clock + COARSE_CLOCK_ROOT_TICKER, -1); // pairs with the wait in parkTicker
  return 1;
}

/** The token of the ticker, 0 where there is none. */
export function tickerOf(clock: i32): i32 {
  return load(clock + COARSE_CLOCK_ROOT_TICKER);
}

/**
 * Parks the ticker's thread until its next tick is due, or until it has lost the clock.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns 1 where `token` is still the ticker, else 0
 */
export function parkTicker(clock: i32, token: i32, timeoutUs: i32): i32 {
  // pairs with the notify in releaseTicker. A ticker that takes over does not notify: the time-out finds it.
  wait(clock + COARSE_CLOCK_ROOT_TICKER, token, timeoutUs);
  return load(clock + COARSE_CLOCK_ROOT_TICKER) == token ? 1 : 0;
}
