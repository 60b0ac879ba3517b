// The token of a thread that parks: the futex parker of Rust's std, one word. One that is given while nobody waits is kept, and two are one. One thread takes it; any may give it.
//
//   NONE ── giveToken ──▶ GIVEN        takeToken: NONE ▶ AWAITED, GIVEN ▶ NONE
//   AWAITED ── giveToken ──▶ GIVEN     awaitToken, dropToken: GIVEN ▶ NONE; dropToken: AWAITED ▶ NONE
//
// A notify may come late, when the thread has taken that token by its time-out and waits for the next one: to be woken says nothing, the word does.
import { compareExchange, exchange, notify, sub, wait, type Word } from './atomics.ts';

/** There is none, and nobody waits. */
export const TOKEN_NONE = 0;
/** The next `takeToken` has it at once. */
export const TOKEN_GIVEN = 1;
/** The thread waits for it. */
export const TOKEN_AWAITED = -1;

/** It has the token, and had it at once. */
export const HAD = 0;
/** It has the token, and has waited for it. */
export const WOKEN = 1;
/** It has none: it is to call `awaitToken` again, or `dropToken`. */
export const WAITS = 2;

/** Begins to park. @returns HAD, or WAITS */
export function takeToken(at: Word): number {
  return sub(at, 1) === TOKEN_GIVEN ? HAD : WAITS; // observe: pairs with the exchange in giveToken
}

/** Waits. @param timeoutUs negative: until it is woken. @returns WOKEN, or WAITS */
export function awaitToken(at: Word, timeoutUs: number): number {
  wait(at, TOKEN_AWAITED, timeoutUs); // pairs with the notify in giveToken
  return compareExchange(at, TOKEN_GIVEN, TOKEN_NONE) === TOKEN_GIVEN ? WOKEN : WAITS;
}

/** Waits no longer. @returns WOKEN where the token has come at the last moment, else WAITS: and it does not any more */
export function dropToken(at: Word): number {
  return exchange(at, TOKEN_NONE) === TOKEN_GIVEN ? WOKEN : WAITS;
}

/** @returns 1 where it has woken the thread */
export function giveToken(at: Word): number {
  if (exchange(at, TOKEN_GIVEN) !== TOKEN_AWAITED) return 0; // publish: pairs with takeToken, awaitToken and dropToken
  notify(at, -1);
  return 1;
}
