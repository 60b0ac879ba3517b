// The rolling window: results of the last `rollingCountTimeout`, in ten buckets, for percentages of failed and of slow calls.
//
// A bucket is one word: its counts, its era, and the lap of the window that it is of. Whoever comes to a bucket of an earlier lap or
// era begins it anew with its own result, in the same CAS. As in the ring of failures, each recorder writes first and counts
// afterwards, so that of several bad results the one that is written last sees all. Buckets are read one after the other: a sum that
// would open the breaker counts only once two readings in a row agree, which makes it that of one moment.
//
// The window ends at a bucket's border: it is between nine and ten tenths long, as opossum's.
import { compareExchange64, get, high, load, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  BASIS_POINTS,
  BUCKETS,
  BUCKET_CALLS_MASK,
  BUCKET_CALLS_SHIFT,
  BUCKET_ERA_MASK,
  BUCKET_ERA_SHIFT,
  BUCKET_FAILURES_MASK,
  BUCKET_FAILURES_SHIFT,
  BUCKET_SLOW_MASK,
  BUCKET_SLOW_SHIFT,
  BUCKET_TAG_MASK,
  BUCKET_TAG_SHIFT,
  CELL_BUCKETS,
  CELL_POLICY,
  CELL_WORD,
  POLICY_BUCKET_MS,
  POLICY_ERROR_BASIS_POINTS,
  POLICY_SLOW_BASIS_POINTS,
  POLICY_VOLUME_THRESHOLD,
} from './layout.generated.ts';
import { eraOf, isClosed, isIsolated } from './word.ts';

/** A bucket at most so many laps ahead is of later results, and this one is late; further ahead, the clock's 31 bits have wrapped. */
const LATE_LAPS: i32 = 16;

/**
 * Enters a result of this era.
 * @param failed 0 or 1
 * @param slow 0 or 1
 * @returns 1 where the result is bad and the window has too many of them, else 0
 */
export function enterOutcome(cell: i32, policy: i32, now: i32, era: i32, failed: i32, slow: i32): i32 {
  const tick = tickOf(policy, now);
  const tag = tagOfTick(tick);
  const at = bucketAt(cell, placeOf(tick));
  while (true) {
    load64(at);
    const seenLow = low();
    const seenHigh = high();
    let calls = callsOf(seenLow);
    let failures = failuresOf(seenLow);
    let slows = slowOf(seenHigh);
    if (eraOfBucket(seenLow) != era || tagOf(seenHigh) != tag) {
      // Of a later lap: by now this result is older than the window. An empty one is of none.
      const ahead = (tagOf(seenHigh) - tag) & BUCKET_TAG_MASK;
      if (calls != 0 && eraOfBucket(seenLow) == era && ahead <= LATE_LAPS) return 0;
      // Of a later era? Not while the word is still of this one.
      load64(cell + CELL_WORD);
      if (eraOf(low()) != era || isClosed(low()) == 0) return 0;
      calls = 0;
      failures = 0;
      slows = 0;
    } else if (calls == BUCKET_CALLS_MASK) {
      calls = calls >>> 1;
      failures = failures >>> 1;
      slows = slows >>> 1;
    }
    const nextLow = halfOf((calls + 1) | 0, (failures + failed) | 0, era);
    const nextHigh = ((slows + slow) << BUCKET_SLOW_SHIFT) | (tag << BUCKET_TAG_SHIFT);
    // publish: pairs with load64 in isOver.
    if (compareExchange64(at, seenLow, seenHigh, nextLow, nextHigh) != 0) break;
  }
  return (failed | slow) != 0 ? isOver(cell, policy, now, era) : 0;
}

/** 1 where the window has enough calls and too large a share of them is bad. */
function isOver(cell: i32, policy: i32, now: i32, era: i32): i32 {
  const tick = tickOf(policy, now);
  let seenCalls = -1;
  let seenFailures = -1;
  let seenSlow = -1;
  while (true) {
    let calls = 0;
    let failures = 0;
    let slow = 0;
    for (let place = 0; place < BUCKETS; place++) {
      load64(bucketAt(cell, place));
      if (eraOfBucket(low()) != era || tagOf(high()) != tagInWindow(tick, place)) continue;
      calls = (calls + callsOf(low())) | 0;
      failures = (failures + failuresOf(low())) | 0;
      slow = (slow + slowOf(high())) | 0;
    }
    if (calls == 0 || calls < get(policy + POLICY_VOLUME_THRESHOLD)) return 0;
    if (
      exceeds(failures, calls, get(policy + POLICY_ERROR_BASIS_POINTS)) == 0 &&
      exceeds(slow, calls, get(policy + POLICY_SLOW_BASIS_POINTS)) == 0
    )
      return 0;
    if (calls == seenCalls && failures == seenFailures && slow == seenSlow) return 1;
    seenCalls = calls;
    seenFailures = failures;
    seenSlow = slow;
  }
}

/** Before the breaker closes: clears the buckets of eight eras ago, which carry the number of the era that it closes in. */
export function forgetOutcomes(cell: i32, current: i32, era: i32): void {
  for (let place = 0; place < BUCKETS; place++) {
    const at = bucketAt(cell, place);
    load64(at);
    const seenLow = low();
    const seenHigh = high();
    if (callsOf(seenLow) == 0 || eraOfBucket(seenLow) != era) continue;
    // Not closed yet, so the bucket was there before anyone could enter a result of this era.
    load64(cell + CELL_WORD);
    if (eraOf(low()) != current || isClosed(low()) != 0) return;
    compareExchange64(at, seenLow, seenHigh, 0, 0); // pairs with the CAS in enterOutcome: what came in meanwhile stays
  }
}

/** Puts counts into the bucket of a time, unless the endpoint is no longer being restored. */
export function restoreOutcomes(
  cell: i32,
  timeMs: i32,
  era: i32,
  calls: i32,
  failures: i32,
  slow: i32,
): void {
  const tick = tickOf(load(cell + CELL_POLICY), timeMs);
  const at = bucketAt(cell, placeOf(tick));
  const nextHigh = (slow << BUCKET_SLOW_SHIFT) | (tagOfTick(tick) << BUCKET_TAG_SHIFT);
  while (true) {
    load64(at);
    const seenLow = low();
    const seenHigh = high();
    // Looked at after the bucket: while it is isolated, nothing in it is of a later era.
    load64(cell + CELL_WORD);
    if (isIsolated(low()) == 0 || eraOf(low()) != era) return;
    // pairs with the CAS in enterOutcome, of a result that is late.
    if (compareExchange64(at, seenLow, seenHigh, halfOf(calls, failures, era), nextHigh) != 0) return;
  }
}

/** `bad` of `calls` is more than this share, which -1 turns off. At most 10 × 16,383 calls: the products fit. */
export function exceeds(bad: i32, calls: i32, basisPoints: i32): i32 {
  if (basisPoints < 0) return 0;
  return bad * BASIS_POINTS > basisPoints * calls ? 1 : 0;
}

/** The number of a bucket's time, of 31 bits with their sign: what is restored may be of before the clock's 0. */
export function tickOf(policy: i32, now: i32): i32 {
  return quotientBelow((now << 1) >> 1, get(policy + POLICY_BUCKET_MS));
}

/** Of the buckets, the one of this tick. */
export function placeOf(tick: i32): i32 {
  return (tick - quotientBelow(tick, BUCKETS) * BUCKETS) | 0;
}

function tagOfTick(tick: i32): i32 {
  return quotientBelow(tick, BUCKETS) & BUCKET_TAG_MASK;
}

/** The tag that a bucket has if it is one of the last ten ticks. */
function tagInWindow(tick: i32, place: i32): i32 {
  const lap = quotientBelow(tick, BUCKETS);
  return (place <= placeOf(tick) ? lap : (lap - 1) | 0) & BUCKET_TAG_MASK;
}

/** Rounded down, also below 0. */
function quotientBelow(value: i32, by: i32): i32 {
  return value >= 0 ? (value / by) | 0 : ~((~value / by) | 0);
}

function bucketAt(cell: i32, place: i32): i32 {
  return cell + CELL_BUCKETS + (place << 3);
}

function halfOf(calls: i32, failures: i32, era: i32): i32 {
  return (calls << BUCKET_CALLS_SHIFT) | (failures << BUCKET_FAILURES_SHIFT) | (era << BUCKET_ERA_SHIFT);
}

function callsOf(lowHalf: i32): i32 {
  return (lowHalf >>> BUCKET_CALLS_SHIFT) & BUCKET_CALLS_MASK;
}

function failuresOf(lowHalf: i32): i32 {
  return (lowHalf >>> BUCKET_FAILURES_SHIFT) & BUCKET_FAILURES_MASK;
}

function eraOfBucket(lowHalf: i32): i32 {
  return (lowHalf >>> BUCKET_ERA_SHIFT) & BUCKET_ERA_MASK;
}

function slowOf(highHalf: i32): i32 {
  return (highHalf >>> BUCKET_SLOW_SHIFT) & BUCKET_SLOW_MASK;
}

function tagOf(highHalf: i32): i32 {
  return (highHalf >>> BUCKET_TAG_SHIFT) & BUCKET_TAG_MASK;
}
