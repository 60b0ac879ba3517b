// The atomics seam, model build: the twin of packages/shared-memory/kernel/atomics.ts, same names and signatures. Under vitest
// every import of `./atomics.ts` by a kernel is this file. Each call but `low` and `high` is one step of a virtual thread;
// in setup, check and invariant callbacks it goes straight to the model memory; anywhere else it throws ERR_OUTSIDE_SEARCH.
import { machine, step } from './machine.ts';
import { Op } from './operation.ts';

export function load(at: number): number {
  return step(Op.load, at, 0, 0, 0, 0);
}

export function store(at: number, value: number): void {
  step(Op.store, at, value, 0, 0, 0);
}

/** Returns the value before the addition. */
export function add(at: number, value: number): number {
  return step(Op.add, at, value, 0, 0, 0);
}

/** Returns the value before the subtraction. */
export function sub(at: number, value: number): number {
  return step(Op.sub, at, value, 0, 0, 0);
}

/** Returns the value before. */
export function and(at: number, mask: number): number {
  return step(Op.and, at, mask, 0, 0, 0);
}

/** Returns the value before. */
export function or(at: number, mask: number): number {
  return step(Op.or, at, mask, 0, 0, 0);
}

/** Returns the value before. */
export function exchange(at: number, value: number): number {
  return step(Op.exchange, at, value, 0, 0, 0);
}

/** Stores `desired` where the word holds `expected`; returns the value before, so success is `=== expected`. */
export function compareExchange(at: number, expected: number, desired: number): number {
  return step(Op.compareExchange, at, expected, desired, 0, 0);
}

/** Plain load. */
export function get(at: number): number {
  return step(Op.get, at, 0, 0, 0, 0);
}

/** Plain store. */
export function set(at: number, value: number): void {
  step(Op.set, at, value, 0, 0, 0);
}

/** Observes a 64-bit word; read its halves with `low()` and `high()`. */
export function load64(at: number): void {
  step(Op.load64, at, 0, 0, 0, 0);
}

/** The low half of what `load64` or `compareExchange64` observed last on this virtual thread. */
export function low(): number {
  return machine.low;
}

/** The high half of what `load64` or `compareExchange64` observed last on this virtual thread. */
export function high(): number {
  return machine.high;
}

/** 1 where the word held the expected halves and now holds the desired ones, else 0; either way observes the value before. */
export function compareExchange64(
  at: number,
  expectedLow: number,
  expectedHigh: number,
  desiredLow: number,
  desiredHigh: number,
): number {
  return step(Op.compareExchange64, at, expectedLow, expectedHigh, desiredLow, desiredHigh);
}

/** Opaque to kernels, for which it is a number of 64 bits. */
export interface Word {
  readonly low: number;
  readonly high: number;
}

/** A 64-bit word as a value. */
export function word64(at: number): Word {
  step(Op.load64, at, 0, 0, 0, 0);
  return { low: machine.low, high: machine.high };
}

export function lowHalf(word: Word): number {
  return word.low;
}

export function highHalf(word: Word): number {
  return word.high;
}

/** The word with both halves added to it, with a carry from the low one. */
export function sum64(word: Word, lowPart: number, highPart: number): Word {
  const sum = (word.low + lowPart) | 0;
  const carry = sum >>> 0 < word.low >>> 0 ? 1 : 0;
  return { low: sum, high: (word.high + highPart + carry) | 0 };
}

/** A value of two halves. */
export function join64(lowPart: number, highPart: number): Word {
  return { low: lowPart | 0, high: highPart | 0 };
}

/** The bits of a word that are set in both halves of a mask. */
export function masked64(word: Word, lowMask: number, highMask: number): Word {
  return { low: word.low & lowMask, high: word.high & highMask };
}

export function plus64(a: Word, b: Word): Word {
  return sum64(a, b.low, b.high);
}

export function minus64(a: Word, b: Word): Word {
  const borrow = a.low >>> 0 < b.low >>> 0 ? 1 : 0;
  return { low: (a.low - b.low) | 0, high: (a.high - b.high - borrow) | 0 };
}

/** 1 where `a` is more than `b`, both without a sign, else 0. */
export function isAbove64(a: Word, b: Word): number {
  if (a.high !== b.high) return a.high >>> 0 > b.high >>> 0 ? 1 : 0;
  return a.low >>> 0 > b.low >>> 0 ? 1 : 0;
}

/** 1 where the word held `expected` and now holds `desired`, else 0. */
export function replace64(at: number, expected: Word, desired: Word): number {
  return compareExchange64(at, expected.low, expected.high, desired.low, desired.high);
}

/** Nothing: a thread may be late by any time anyway. */
export function relax(_steps: number): void {}

/**
 * Parks the virtual thread while the word holds `expected`. With a time-out the search explores that it passes, at any time.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns 0 woken, 1 the word held something else, 2 timed out
 */
export function wait(at: number, expected: number, timeoutUs: number): number {
  return step(Op.wait, at, expected, timeoutUs, 0, 0);
}

/** Wakes at most `count` threads parked on the word (negative: all); returns how many. Which ones, the search explores. */
export function notify(at: number, count: number): number {
  return step(Op.notify, at, count, 0, 0, 0);
}
