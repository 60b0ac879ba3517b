// `tail` and `head` as two halves: where a ring stands, and the next values. Pure: nothing here touches memory.
//
// One word counts both rings: the urgent one is counted in it, the normal one is the difference. So one CAS moves a ring and the ids of
// both. Totals wrap at 2^44, a multiple of the 2^20 at which positions do: rings do not notice when ids begin anew.
import {
  EVENT_POSITION_TOTAL_HIGH_MASK,
  EVENT_POSITION_URGENT_MASK,
  EVENT_POSITION_URGENT_SHIFT,
} from './layout.generated.ts';

/** Of a position in a ring. */
export const POSITION_MASK: i32 = EVENT_POSITION_URGENT_MASK;
const SIGN: i32 = -0x80000000;
/** Of 32, beside a position: as many as are below `urgent`, which is on top of its half. */
const SPARE_BITS: i32 = EVENT_POSITION_URGENT_SHIFT;

/** The position in the urgent ring, or with `urgent` = 0 in the normal one. */
export function positionIn(low: i32, high: i32, urgent: i32): i32 {
  const ofUrgent = high >>> EVENT_POSITION_URGENT_SHIFT;
  return urgent != 0 ? ofUrgent : (low - ofUrgent) & POSITION_MASK;
}

/** The low half after `count` more. */
export function advancedLow(low: i32, count: i32): i32 {
  return (low + count) | 0;
}

/** The high half after `count` more of a ring. */
export function advancedHigh(low: i32, high: i32, count: i32, urgent: i32): i32 {
  const total = totalHighAfter(low, high, count);
  const ofUrgent = high >>> EVENT_POSITION_URGENT_SHIFT;
  const next = urgent != 0 ? (ofUrgent + count) & POSITION_MASK : ofUrgent;
  return (next << EVENT_POSITION_URGENT_SHIFT) | total;
}

/** Bits 32 to 43 of a total, after `count` more. */
export function totalHighAfter(low: i32, high: i32, count: i32): i32 {
  const carry: i32 = (((low + count) | 0) ^ SIGN) < (low ^ SIGN) ? 1 : 0;
  return (high + carry) & EVENT_POSITION_TOTAL_HIGH_MASK;
}

/** Positions from `b` to `a`, from -2^19 to 2^19 - 1. */
export function positionsBetween(a: i32, b: i32): i32 {
  return ((a - b) << SPARE_BITS) >> SPARE_BITS;
}
