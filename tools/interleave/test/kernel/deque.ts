// Fixed-capacity Chase-Lev deque (D. Chase, Y. Lev, "Dynamic circular work-stealing deque", SPAA 2005), for the tests of the search.
// Words at `at`: front, back, then mask + 1 slots. Values are positive.
import { compareExchange, load, store } from './atomics.ts';

/** 1 pushed, 0 full. Owner only. */
export function push(at: i32, mask: i32, value: i32): i32 {
  const back = load(at + 4);
  const front = load(at);
  if (((back - front) | 0) > mask) return 0;
  store((at + 8 + ((back & mask) << 2)) | 0, value);
  store(at + 4, (back + 1) | 0);
  return 1;
}

/** A value, or 0 empty. Owner only. */
export function pop(at: i32, mask: i32): i32 {
  const back = (load(at + 4) - 1) | 0;
  store(at + 4, back);
  const front = load(at);
  if (((back - front) | 0) < 0) {
    store(at + 4, (back + 1) | 0);
    return 0;
  }
  const value = load((at + 8 + ((back & mask) << 2)) | 0);
  if (back != front) return value;
  const won = compareExchange(at, front, (front + 1) | 0) == front;
  store(at + 4, (back + 1) | 0);
  return won ? value : 0;
}

/** A value, 0 empty, or -1 lost the race. */
export function steal(at: i32, mask: i32): i32 {
  const front = load(at);
  const back = load(at + 4);
  if (((back - front) | 0) <= 0) return 0;
  const value = load((at + 8 + ((front & mask) << 2)) | 0);
  return compareExchange(at, front, (front + 1) | 0) == front ? value : -1;
}
