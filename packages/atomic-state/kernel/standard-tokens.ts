// Refill in the twin, by whoever has the mutex.
import { get, set } from '@corelane/shared-memory/kernel/atomics';
import {
  MICRO_PER_TOKEN,
  POLICY_BURST,
  POLICY_FULL_MS,
  POLICY_REFILL_MICRO_PER_MS,
  STANDARD_CELL_REFILL_FRACTION,
  STANDARD_CELL_REFILL_MS,
  STANDARD_CELL_TOKENS,
} from './layout.generated.ts';
import { elapsedMs } from './word.ts';

/** Puts the tokens that are due into the bucket. @returns 1 where there were any */
export function refillTokens(cell: i32, policy: i32, now: i32): i32 {
  const since = get(cell + STANDARD_CELL_REFILL_MS);
  if (since == now) return 0;
  const burst = get(policy + POLICY_BURST);
  const elapsed = elapsedMs(now, since);
  let tokens = burst;
  let left = 0;
  if (elapsed < get(policy + POLICY_FULL_MS)) {
    const fraction = get(cell + STANDARD_CELL_REFILL_FRACTION);
    const due = (elapsed * get(policy + POLICY_REFILL_MICRO_PER_MS) + fraction) | 0;
    const whole = (due / MICRO_PER_TOKEN) | 0;
    if (whole == 0) return 0;
    left = (due - whole * MICRO_PER_TOKEN) | 0;
    tokens = (get(cell + STANDARD_CELL_TOKENS) + whole) | 0;
    if (tokens > burst) tokens = burst;
  }
  // In this order: a thread that dies takes tokens with it, and no interval is paid twice.
  set(cell + STANDARD_CELL_REFILL_FRACTION, 0);
  set(cell + STANDARD_CELL_REFILL_MS, now);
  set(cell + STANDARD_CELL_TOKENS, tokens);
  set(cell + STANDARD_CELL_REFILL_FRACTION, left);
  return 1;
}

/** Takes `count` tokens, all or none. @returns 1 where there were as many */
export function takeTokens(cell: i32, count: i32): i32 {
  const tokens = get(cell + STANDARD_CELL_TOKENS);
  if (tokens < count) return 0;
  set(cell + STANDARD_CELL_TOKENS, (tokens - count) | 0);
  return 1;
}

/** Puts tokens back into the bucket, as far as there is room. */
export function returnTokens(cell: i32, policy: i32, count: i32): void {
  const burst = get(policy + POLICY_BURST);
  const tokens = (get(cell + STANDARD_CELL_TOKENS) + count) | 0;
  set(cell + STANDARD_CELL_TOKENS, tokens < burst ? tokens : burst);
}
