// The state word as two halves: predicates and next values. Pure: nothing here touches memory.
import {
  ANY_ADMISSION,
  CIRCUIT_OPEN,
  COMPRESSED,
  ERA_MASK,
  ERA_SHIFT,
  HALF_OPEN,
  MAX_SKEW_MS,
  MONITORED,
  THROTTLED,
  WORD_COMPRESSION_RATIO_MASK,
  WORD_COMPRESSION_RATIO_SHIFT,
  WORD_FAILURES_MASK,
  WORD_FAILURES_ONE,
  WORD_FAILURES_SHIFT,
  WORD_FLAGS_SHIFT,
  WORD_SUCCESSES_MASK,
  WORD_SUCCESSES_ONE,
  WORD_TOKENS_MASK,
  WORD_TOKENS_SHIFT,
  WORD_VERSION_MASK,
} from './layout.generated.ts';

const OPEN_BIT: i32 = CIRCUIT_OPEN << WORD_FLAGS_SHIFT;
const HALF_OPEN_BIT: i32 = HALF_OPEN << WORD_FLAGS_SHIFT;
const THROTTLED_BIT: i32 = THROTTLED << WORD_FLAGS_SHIFT;
const COMPRESSED_BIT: i32 = COMPRESSED << WORD_FLAGS_SHIFT;
const MONITORED_BIT: i32 = MONITORED << WORD_FLAGS_SHIFT;
const WORD_ERA_SHIFT: i32 = WORD_FLAGS_SHIFT + ERA_SHIFT;
const ERA_BITS: i32 = ERA_MASK << WORD_ERA_SHIFT;
const RATIO_BITS: i32 = WORD_COMPRESSION_RATIO_MASK << WORD_COMPRESSION_RATIO_SHIFT;
const TOKEN_BITS: i32 = WORD_TOKENS_MASK << WORD_TOKENS_SHIFT;

export function isOpen(low: i32): i32 {
  return low & OPEN_BIT;
}

export function isHalfOpen(low: i32): i32 {
  return low & HALF_OPEN_BIT;
}

export function isClosed(low: i32): i32 {
  return (low & (OPEN_BIT | HALF_OPEN_BIT)) == 0 ? 1 : 0;
}

/** Opened by hand, to be closed by hand: both bits, so that it reads as open. */
export function isIsolated(low: i32): i32 {
  return (low & (OPEN_BIT | HALF_OPEN_BIT)) == (OPEN_BIT | HALF_OPEN_BIT) ? 1 : 0;
}

/**
 * Bits of a low half that are `plainEra(admission)` where the breaker is closed, nothing of its results is kept but the counts of the word,
 * and the admission is of the word's era, or is none. An admission that has more to it, a permit or an error, never is.
 */
export function plainBits(admission: i32): i32 {
  const closedBits = OPEN_BIT | HALF_OPEN_BIT | MONITORED_BIT;
  return admission == ANY_ADMISSION ? closedBits : closedBits | ERA_BITS;
}

export function plainEra(admission: i32): i32 {
  return admission == ANY_ADMISSION ? 0 : (admission >> 1) << WORD_ERA_SHIFT;
}

/** Of the breaker, 0 to 7: a trip begins a new one. */
export function eraOf(low: i32): i32 {
  return (low >>> WORD_ERA_SHIFT) & ERA_MASK;
}

export function tokensOf(low: i32): i32 {
  return (low >>> WORD_TOKENS_SHIFT) & WORD_TOKENS_MASK;
}

export function successesOf(high: i32): i32 {
  return high & WORD_SUCCESSES_MASK;
}

export function failuresOf(high: i32): i32 {
  return (high >>> WORD_FAILURES_SHIFT) & WORD_FAILURES_MASK;
}

/** The next version, modulo 256: every transition ends with it. */
export function bumped(low: i32): i32 {
  return (low & ~WORD_VERSION_MASK) | ((low + 1) & WORD_VERSION_MASK);
}

/** With this many tokens; Throttled exactly where there are none. */
export function withTokens(low: i32, tokens: i32): i32 {
  const rest = (low & ~(TOKEN_BITS | THROTTLED_BIT)) | (tokens << WORD_TOKENS_SHIFT);
  return tokens == 0 ? rest | THROTTLED_BIT : rest;
}

/** With the ratio of a compressed payload, 0 to 255; -1: as if none had been seen. */
export function withCompression(low: i32, ratio: i32): i32 {
  if (ratio < 0) return low & ~(RATIO_BITS | COMPRESSED_BIT);
  return (low & ~RATIO_BITS) | (ratio << WORD_COMPRESSION_RATIO_SHIFT) | COMPRESSED_BIT;
}

/** In a new era. */
export function inNextEra(low: i32): i32 {
  const era = (eraOf(low) + 1) & ERA_MASK;
  return (low & ~ERA_BITS) | (era << WORD_ERA_SHIFT);
}

/** Open, in a new era. */
export function opened(low: i32): i32 {
  return (inNextEra(low) & ~HALF_OPEN_BIT) | OPEN_BIT;
}

/** Isolated, in a new era. */
export function isolated(low: i32): i32 {
  return opened(low) | HALF_OPEN_BIT;
}

/** Open and no longer isolated, in the same era. */
export function releasedToOpen(low: i32): i32 {
  return low & ~HALF_OPEN_BIT;
}

export function halfOpened(low: i32): i32 {
  return (low & ~OPEN_BIT) | HALF_OPEN_BIT;
}

export function closed(low: i32): i32 {
  return low & ~(OPEN_BIT | HALF_OPEN_BIT);
}

/** One more success; stays at 65535. */
export function withSuccess(high: i32): i32 {
  return successesOf(high) == WORD_SUCCESSES_MASK ? high : (high + WORD_SUCCESSES_ONE) | 0;
}

/** One more failure; stays at 65535. */
export function withFailure(high: i32): i32 {
  return failuresOf(high) == WORD_FAILURES_MASK ? high : (high + WORD_FAILURES_ONE) | 0;
}

/** 1 where an admission was given in the word's era, or is none. A permit that is part of it is not looked at. */
export function isOfEra(admission: i32, low: i32): i32 {
  return (admission & ANY_ADMISSION) != 0 || ((admission >> 1) & ERA_MASK) == eraOf(low) ? 1 : 0;
}

/** Milliseconds from `then` to `now` on a 32-bit clock: 0 where `then` is slightly ahead, the largest where it wrapped. */
export function elapsedMs(now: i32, then: i32): i32 {
  const difference = (now - then) | 0;
  if (difference >= 0) return difference;
  return difference > -MAX_SKEW_MS ? 0 : 0x7fffffff;
}
