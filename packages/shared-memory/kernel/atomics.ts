// The atomics seam, production build: every access to a shared word is one Wasm instruction.
//
// Kernels import these functions and nothing else touches shared memory in them. `asc` compiles this file and inlines it;
// in the model build the same imports resolve to the twin in tools/interleave, where each call is one step of a virtual
// thread. `at` is always a byte address in the arena: a multiple of 4, of 8 for the 64-bit functions.
//
// All accesses but `get` and `set` are sequentially consistent. `get` and `set` are plain: only for words that one atomic edge
// hands over. A word is accessed either as 32 or as 64 bits, never both.
//
// A 64-bit word crosses the seam as two i32 halves. `load64` and `compareExchange64` leave what they observed in two
// per-instance (hence per-thread) globals that `low` and `high` read; nothing else writes them.
//
// Where a transition must be as short as it can be, a 64-bit word is a value instead: `word64`, `lowHalf`, `highHalf`, `sum64`,
// `replace64`, and what follows these. No halves pass through memory then (2 of 5 ns, measured). Such a value is opaque: a kernel keeps it in a `const` and
// hands it to these functions, and nothing else.

/* oxlint-disable typescript/no-unnecessary-type-assertion -- asc has integer types; for TypeScript they are all `number` */

let observed: i64 = 0;
/** Written so that the loop of `relax` is not optimised away. */
let passed: i32 = 0;

export function load(at: i32): i32 {
  return atomic.load<i32>(at);
}

export function store(at: i32, value: i32): void {
  atomic.store<i32>(at, value);
}

/** Returns the value before the addition. */
export function add(at: i32, value: i32): i32 {
  return atomic.add<i32>(at, value);
}

/** Returns the value before the subtraction. */
export function sub(at: i32, value: i32): i32 {
  return atomic.sub<i32>(at, value);
}

/** Returns the value before. */
export function and(at: i32, mask: i32): i32 {
  return atomic.and<i32>(at, mask);
}

/** Returns the value before. */
export function or(at: i32, mask: i32): i32 {
  return atomic.or<i32>(at, mask);
}

/** Returns the value before. */
export function exchange(at: i32, value: i32): i32 {
  return atomic.xchg<i32>(at, value);
}

/** Stores `desired` where the word holds `expected`; returns the value before, so success is `=== expected`. */
export function compareExchange(at: i32, expected: i32, desired: i32): i32 {
  return atomic.cmpxchg<i32>(at, expected, desired);
}

/** Plain load. */
export function get(at: i32): i32 {
  return i32.load(at);
}

/** Plain store. */
export function set(at: i32, value: i32): void {
  i32.store(at, value);
}

/** Observes a 64-bit word; read its halves with `low()` and `high()`. */
export function load64(at: i32): void {
  observed = atomic.load<i64>(at);
}

/** The low half of what `load64` or `compareExchange64` observed last on this thread. */
export function low(): i32 {
  return observed as i32;
}

/** The high half of what `load64` or `compareExchange64` observed last on this thread. */
export function high(): i32 {
  return (observed >> 32) as i32;
}

function join(lower: i32, upper: i32): i64 {
  return ((upper as i64) << 32) | (lower as u32 as i64);
}

/** 1 where the word held the expected halves and now holds the desired ones, else 0; either way observes the value before. */
export function compareExchange64(
  at: i32,
  expectedLow: i32,
  expectedHigh: i32,
  desiredLow: i32,
  desiredHigh: i32,
): i32 {
  const expected = join(expectedLow, expectedHigh);
  observed = atomic.cmpxchg<i64>(at, expected, join(desiredLow, desiredHigh));
  return observed == expected ? 1 : 0;
}

/** A 64-bit word as a value. */
export function word64(at: i32): i64 {
  return atomic.load<i64>(at);
}

export function lowHalf(word: i64): i32 {
  return word as i32;
}

export function highHalf(word: i64): i32 {
  return (word >> 32) as i32;
}

/** The word with both halves added to it, with a carry from the low one. */
export function sum64(word: i64, lowPart: i32, highPart: i32): i64 {
  return word + join(lowPart, highPart);
}

/** A value of two halves. */
export function join64(lowPart: i32, highPart: i32): i64 {
  return join(lowPart, highPart);
}

/** The bits of a word that are set in both halves of a mask. */
export function masked64(word: i64, lowMask: i32, highMask: i32): i64 {
  return word & join(lowMask, highMask);
}

export function plus64(a: i64, b: i64): i64 {
  return a + b;
}

export function minus64(a: i64, b: i64): i64 {
  return a - b;
}

/** 1 where `a` is more than `b`, both without a sign, else 0. */
export function isAbove64(a: i64, b: i64): i32 {
  return (a as u64) > (b as u64) ? 1 : 0;
}

/** 1 where the word held `expected` and now holds `desired`, else 0. */
export function replace64(at: i32, expected: i64, desired: i64): i32 {
  return atomic.cmpxchg<i64>(at, expected, desired) == expected ? 1 : 0;
}

/**
 * Passes a moment without touching memory that others use, for a thread that has lost a race: those that it raced have the line to
 * themselves meanwhile. A step takes a third of a nanosecond on Zen, measured; more where a store is not forwarded that fast.
 */
export function relax(steps: i32): void {
  for (passed = 0; passed < steps; passed++) {}
}

/**
 * Parks the thread while the word holds `expected`.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns 0 woken, 1 the word held something else, 2 timed out
 */
export function wait(at: i32, expected: i32, timeoutUs: i32): i32 {
  return atomic.wait<i32>(at, expected, timeoutUs < 0 ? -1 : (timeoutUs as i64) * 1000);
}

/** Wakes at most `count` threads parked on the word (negative: all); returns how many. */
export function notify(at: i32, count: i32): i32 {
  return atomic.notify(at, count);
}
