// The CAS of a word, counted. The counts are globals of this thread's instance and go to the machine's root in bulk, so that counting
// costs no access to memory that others write; what a thread has not published yet it adds when it reads them.
import { compareExchange64, high, load64, low, relax } from '@corelane/shared-memory/kernel/atomics';
import { CELL_WORD, MACHINE_ROOT_CAS_FAILURES, MACHINE_ROOT_CAS_SUCCESSES } from './layout.generated.ts';

/** Transitions between two publications: a power of two. Guessed: far apart, and soon enough for a scrape. */
const BULK: i32 = 1024;

/**
 * Half a microsecond. Measured in a prototype with 100, 400 and 1600 steps: at 1600 two threads on a word take a third of the time that
 * they take without (17.5 against 5.7 ns). What it does to the tail of the latency is in group twin-latency of bench suite state.
 */
const STEP_BACK: i32 = 1600;

let machine: i32 = 0;
let successes: i32 = 0;
let failures: i32 = 0;

/** Says once where this thread's counts go: the address of the machine's root. */
export function countCasesFor(root: i32): void {
  machine = root;
}

/** One attempt at a transition: 1 where the word was as expected and is now the next one. */
export function casWord(cell: i32, wordLow: i32, wordHigh: i32, nextLow: i32, nextHigh: i32): i32 {
  if (compareExchange64(cell + CELL_WORD, wordLow, wordHigh, nextLow, nextHigh) == 0) return lost();
  if (countWon() != 0) publishCases();
  return 1;
}

/** Counts a transition. In a function without calls, so that it is inlined. @returns 1 where the counts are due to be published */
export function countWon(): i32 {
  successes = (successes + 1) | 0;
  return (successes & (BULK - 1)) == 0 ? 1 : 0;
}

/** Steps back, so that the winner has the line to itself for some transitions: in step, each would lose every other race. @returns 0 */
export function lost(): i32 {
  failures = (failures + 1) | 0;
  relax(STEP_BACK);
  return 0;
}

/** Adds what this thread has counted to the machine's counts. */
export function publishCases(): void {
  if (machine == 0) return;
  addTo(machine + MACHINE_ROOT_CAS_SUCCESSES, successes);
  addTo(machine + MACHINE_ROOT_CAS_FAILURES, failures);
  successes = 0;
  failures = 0;
}

function addTo(at: i32, n: i32): void {
  if (n == 0) return;
  load64(at);
  while (true) {
    const lowHalf = low();
    const highHalf = high();
    const sum = (lowHalf + n) | 0;
    // Unsigned: a sum below one of its parts has carried.
    const carry = (sum ^ -0x80000000) < (lowHalf ^ -0x80000000) ? 1 : 0;
    if (compareExchange64(at, lowHalf, highHalf, sum, (highHalf + carry) | 0) != 0) return;
  }
}
