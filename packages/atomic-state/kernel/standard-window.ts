// The windows of the twin, by whoever has the mutex: the ring of the last failures, and the rolling window in ten buckets. What they
// hold is of the endpoint's era: whoever closes the breaker empties them. A bucket's `calls` is written last, and first where it is
// begun anew: a thread that dies leaves it without its result.
import { get, load, set } from '@corelane/shared-memory/kernel/atomics';
import {
  BUCKETS,
  BUCKET_CALLS_MASK,
  POLICY_BUCKET_MS,
  POLICY_ERROR_BASIS_POINTS,
  POLICY_FAILURE_THRESHOLD,
  POLICY_FAILURE_WINDOW_MS,
  POLICY_SLOW_BASIS_POINTS,
  POLICY_VOLUME_THRESHOLD,
  STANDARD_BUCKET_BYTES,
  STANDARD_BUCKET_CALLS,
  STANDARD_BUCKET_FAILURES,
  STANDARD_BUCKET_SLOW,
  STANDARD_BUCKET_TICK,
  STANDARD_CELL_BUCKETS,
  STANDARD_CELL_POLICY,
  STANDARD_CELL_RING,
  STANDARD_CELL_RING_COUNT,
  STANDARD_CELL_RING_PLACE,
} from './layout.generated.ts';
import { exceeds, placeOf, tickOf } from './rolling.ts';
import { elapsedMs } from './word.ts';

/** A bucket at most so many laps ahead is of later results, and this one is late; further ahead, the clock's 31 bits have wrapped. */
const LATE_LAPS: i32 = 16;

/** Enters a failure into the ring. @returns 1 where the window is now full of failures, else 0 */
export function enterFailure(cell: i32, policy: i32, now: i32): i32 {
  const threshold = get(policy + POLICY_FAILURE_THRESHOLD);
  pushFailure(cell, threshold, now);
  if (get(cell + STANDARD_CELL_RING_COUNT) < threshold) return 0;
  // The oldest alone decides, nearly always: its place is the next one.
  if (isRecent(cell, policy, get(cell + STANDARD_CELL_RING_PLACE), now) == 0) return 0;
  // Clocks of threads differ a little, so another one may be older.
  for (let i = 0; i < threshold; i++) {
    if (isRecent(cell, policy, i, now) == 0) return 0;
  }
  return 1;
}

export function pushFailure(cell: i32, threshold: i32, timeMs: i32): void {
  const place = get(cell + STANDARD_CELL_RING_PLACE);
  set(cell + STANDARD_CELL_RING + (place << 2), timeMs);
  set(cell + STANDARD_CELL_RING_PLACE, place + 1 == threshold ? 0 : (place + 1) | 0);
  const count = get(cell + STANDARD_CELL_RING_COUNT);
  if (count < threshold) set(cell + STANDARD_CELL_RING_COUNT, (count + 1) | 0);
}

function isRecent(cell: i32, policy: i32, place: i32, now: i32): i32 {
  const age = elapsedMs(now, get(cell + STANDARD_CELL_RING + (place << 2)));
  return age <= get(policy + POLICY_FAILURE_WINDOW_MS) ? 1 : 0;
}

/**
 * Enters a result into the rolling window.
 * @param failed 0 or 1
 * @param slow 0 or 1
 * @returns 1 where the result is bad and the window has too many of them, else 0
 */
export function enterOutcome(cell: i32, policy: i32, now: i32, failed: i32, slow: i32): i32 {
  const tick = tickOf(policy, now);
  const at = bucketAt(cell, placeOf(tick));
  if (get(at + STANDARD_BUCKET_CALLS) != 0) {
    const laps = (((get(at + STANDARD_BUCKET_TICK) - tick) | 0) / BUCKETS) | 0;
    if (laps > 0 && laps <= LATE_LAPS) return 0; // by now this result is older than the window
    if (laps != 0) begin(at, tick);
    else if (get(at + STANDARD_BUCKET_CALLS) == BUCKET_CALLS_MASK) halve(at);
  } else {
    begin(at, tick);
  }
  set(at + STANDARD_BUCKET_FAILURES, (get(at + STANDARD_BUCKET_FAILURES) + failed) | 0);
  set(at + STANDARD_BUCKET_SLOW, (get(at + STANDARD_BUCKET_SLOW) + slow) | 0);
  set(at + STANDARD_BUCKET_CALLS, (get(at + STANDARD_BUCKET_CALLS) + 1) | 0);
  return (failed | slow) != 0 ? isOver(cell, policy, tick) : 0;
}

/** Puts counts into the bucket of a time. */
export function fillBucket(cell: i32, policy: i32, timeMs: i32, calls: i32, failures: i32, slow: i32): void {
  const tick = tickOf(policy, timeMs);
  const at = bucketAt(cell, placeOf(tick));
  begin(at, tick);
  set(at + STANDARD_BUCKET_FAILURES, failures);
  set(at + STANDARD_BUCKET_SLOW, slow);
  set(at + STANDARD_BUCKET_CALLS, calls);
}

export function forgetWindows(cell: i32): void {
  set(cell + STANDARD_CELL_RING_COUNT, 0);
  set(cell + STANDARD_CELL_RING_PLACE, 0);
  if (get(load(cell + STANDARD_CELL_POLICY) + POLICY_BUCKET_MS) == 0) return;
  for (let place = 0; place < BUCKETS; place++) set(bucketAt(cell, place) + STANDARD_BUCKET_CALLS, 0);
}

/** 1 where the window has enough calls and too large a share of them is bad. */
function isOver(cell: i32, policy: i32, tick: i32): i32 {
  let calls = 0;
  let failures = 0;
  let slow = 0;
  for (let place = 0; place < BUCKETS; place++) {
    const at = bucketAt(cell, place);
    const age = (tick - get(at + STANDARD_BUCKET_TICK)) | 0;
    if (age < 0 || age >= BUCKETS || get(at + STANDARD_BUCKET_CALLS) == 0) continue;
    calls = (calls + get(at + STANDARD_BUCKET_CALLS)) | 0;
    failures = (failures + get(at + STANDARD_BUCKET_FAILURES)) | 0;
    slow = (slow + get(at + STANDARD_BUCKET_SLOW)) | 0;
  }
  const isEnough = calls != 0 && calls >= get(policy + POLICY_VOLUME_THRESHOLD);
  if (!isEnough) return 0;
  const failed = exceeds(failures, calls, get(policy + POLICY_ERROR_BASIS_POINTS));
  return failed | exceeds(slow, calls, get(policy + POLICY_SLOW_BASIS_POINTS));
}

function begin(at: i32, tick: i32): void {
  set(at + STANDARD_BUCKET_CALLS, 0);
  set(at + STANDARD_BUCKET_TICK, tick);
  set(at + STANDARD_BUCKET_FAILURES, 0);
  set(at + STANDARD_BUCKET_SLOW, 0);
}

function halve(at: i32): void {
  set(at + STANDARD_BUCKET_FAILURES, get(at + STANDARD_BUCKET_FAILURES) >>> 1);
  set(at + STANDARD_BUCKET_SLOW, get(at + STANDARD_BUCKET_SLOW) >>> 1);
  set(at + STANDARD_BUCKET_CALLS, get(at + STANDARD_BUCKET_CALLS) >>> 1);
}

function bucketAt(cell: i32, place: i32): i32 {
  return cell + STANDARD_CELL_BUCKETS + place * STANDARD_BUCKET_BYTES;
}
