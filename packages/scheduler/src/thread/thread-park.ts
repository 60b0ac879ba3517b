// Parking, as of Rust's std: a thread waits for a token that others give it; one that is given before is not lost, and two are one. The clock and the numbers; `token.ts` is the protocol.
import type { SwitchReport } from '../fibres/switch-statistics.ts';
import { threadControl } from './layout.ts';
import { awaitToken, dropToken, giveToken, HAD, takeToken, WAITS, WOKEN } from './token.ts';

const GIVEN_NS = threadControl.offset.givenNs >> 3;
const HAND_OFFS = threadControl.offset.handOffs >> 3;
const SUM_NS = threadControl.offset.sumNs >> 3;
const FASTEST_NS = threadControl.offset.fastestNs >> 3;
const SLOWEST_NS = threadControl.offset.slowestNs >> 3;

/** The clock of the machine, which is the same on all threads. */
function machineNs(): number {
  const [seconds, ns] = process.hrtime();
  return seconds * 1e9 + ns;
}

/** The longest that one wait lasts. */
const MOST_WAIT_MS = 2 ** 20;

/** The token of a thread, as a word of its own. */
function tokenOf(control: SharedArrayBuffer): Int32Array {
  return new Int32Array(control, threadControl.offset.token, 1);
}

/** Of the thread: takes the token, or waits until there is one. @returns whether there was */
export function park(control: SharedArrayBuffer, timeoutMs = Infinity): boolean {
  const token = tokenOf(control);
  if (takeToken(token) === HAD) return true;
  const endMs = performance.now() + timeoutMs;
  for (let leftMs = timeoutMs; leftMs > 0; leftMs = endMs - performance.now()) {
    if (awaitToken(token, Math.min(leftMs, MOST_WAIT_MS) * 1e3) === WAITS) continue;
    note(new Float64Array(control));
    return true;
  }
  return dropToken(token) === WOKEN;
}

/** Of the handle. */
export function unpark(control: SharedArrayBuffer): void {
  // Read by the thread only where this wakes it; published by the exchange that gives the token.
  new Float64Array(control)[GIVEN_NS] = machineNs();
  giveToken(tokenOf(control));
}

function note(f64: Float64Array): void {
  const tookNs = machineNs() - (f64[GIVEN_NS] as number);
  const before = f64[HAND_OFFS] as number;
  f64[SUM_NS] = (f64[SUM_NS] as number) + tookNs;
  f64[FASTEST_NS] = before === 0 ? tookNs : Math.min(f64[FASTEST_NS] as number, tookNs);
  f64[SLOWEST_NS] = Math.max(f64[SLOWEST_NS] as number, tookNs);
  f64[HAND_OFFS] = before + 1;
}

/** What the reference systems aim at. */
const TARGET_NS = 10_000;

/** How soon the thread ran when it was woken. Of a thread that runs, the numbers may be of two moments. */
export function handOffs(control: SharedArrayBuffer): SwitchReport {
  const f64 = new Float64Array(control);
  const samples = f64[HAND_OFFS] as number;
  const of = (ns: number): number | undefined => (samples === 0 ? undefined : ns);
  const averageNs = of((f64[SUM_NS] as number) / samples);
  return {
    kind: 'thread hand-off',
    count: samples,
    samples,
    averageNs,
    fastestNs: of(f64[FASTEST_NS] as number),
    slowestNs: of(f64[SLOWEST_NS] as number),
    clockNs: undefined,
    targetNs: TARGET_NS,
    isTargetMet: averageNs !== undefined && averageNs <= TARGET_NS,
  };
}
