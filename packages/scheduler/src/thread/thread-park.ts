// Parking, as of Rust's std: a thread waits for a token that others give it; one that is given before is not lost, and two are one. One word; the futex parker of std.
import type { SwitchReport } from '../fibres/switch-statistics.ts';
import { threadControl, TOKEN_AWAITED, TOKEN_GIVEN, TOKEN_NONE } from './layout.ts';

const TOKEN = threadControl.word.token;
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

/** Of the thread: takes the token, or waits until there is one. */
export function park(control: SharedArrayBuffer, timeoutMs = Infinity): boolean {
  const i32 = new Int32Array(control);
  // GIVEN → NONE: it was there. NONE → AWAITED.
  if (Atomics.sub(i32, TOKEN, 1) === TOKEN_GIVEN) return true; // observe: pairs with the exchange in unpark
  const outcome = Atomics.wait(i32, TOKEN, TOKEN_AWAITED, timeoutMs); // pairs with the notify in unpark
  // Whatever has woken it: there is a token, or there is none.
  if (Atomics.exchange(i32, TOKEN, TOKEN_NONE) !== TOKEN_GIVEN) return false;
  if (outcome === 'ok') note(new Float64Array(control));
  return true;
}

/** Of the handle. */
export function unpark(control: SharedArrayBuffer): void {
  const i32 = new Int32Array(control);
  // Written while the thread waits, and read by it after the exchange below has published it.
  if (Atomics.load(i32, TOKEN) === TOKEN_AWAITED) new Float64Array(control)[GIVEN_NS] = machineNs();
  if (Atomics.exchange(i32, TOKEN, TOKEN_GIVEN) === TOKEN_AWAITED) Atomics.notify(i32, TOKEN); // publish: pairs with park
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
