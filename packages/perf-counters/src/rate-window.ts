// Events per second, from a total that is read now and then: nothing is done for a single event.
//
// Over 1, 5 and 15 minutes: exponentially weighted, as the load averages of UNIX and the meters of Dropwizard Metrics are. There a tick comes
// every five seconds; here time between two looks may be of any length, and what was counted in it is taken as spread evenly over it, so
// that with looks every five seconds the figures are Dropwizard's.
import { ArgumentRangeError } from './errors.ts';
import { checkMethod, checkOptionNames } from './option-names.ts';
import type { Clock } from './ports.ts';

/** What is counted: a counter is one. It may be of any thread, and of all. */
export interface Total {
  total(): number;
}

/** Units a second; null until the first interval is over. Below 0 where the total went down. */
export interface Rates {
  readonly total: number;
  /** Over the last interval. */
  readonly lastPerSecond: number | null;
  /** Since the window was made, or reset. */
  readonly meanPerSecond: number | null;
  readonly m1PerSecond: number | null;
  readonly m5PerSecond: number | null;
  readonly m15PerSecond: number | null;
}

export interface RateWindowOptions {
  /** `performance` by default. */
  readonly clock?: Clock;
  /** Looks that come sooner after the one before change nothing: 5000 by default. */
  readonly intervalMs?: number;
}

const MINUTE_MS = 60_000;
const WINDOWS_MS: readonly number[] = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS];

export class RateWindow {
  readonly intervalMs: number;
  readonly #source: Total;
  readonly #clock: Clock;
  #startMs: number;
  #startTotal: number;
  #lookedAtMs: number;
  #lookedTotal: number;
  #lastPerSecond: number | null = null;
  readonly #weighted: (number | null)[] = WINDOWS_MS.map(() => null);

  /** @throws ArgumentRangeError */
  constructor(source: Total, options: RateWindowOptions = {}) {
    checkOptionNames(options, ['clock', 'intervalMs']);
    checkWindow(options);
    const { clock = performance, intervalMs = 5000 } = options;
    this.intervalMs = intervalMs;
    this.#source = source;
    this.#clock = clock;
    this.#startMs = this.#lookedAtMs = clock.now();
    this.#startTotal = this.#lookedTotal = source.total();
  }

  /** Looks at the total, where an interval has passed, and says what the rates are. Call it as often as you like, at least once a minute. */
  read(): Rates {
    const nowMs = this.#clock.now();
    const total = this.#source.total();
    if (nowMs - this.#lookedAtMs >= this.intervalMs) this.#look(nowMs, total);
    const sinceMs = nowMs - this.#startMs;
    const [m1 = null, m5 = null, m15 = null] = this.#weighted;
    return {
      total,
      lastPerSecond: this.#lastPerSecond,
      meanPerSecond: sinceMs > 0 ? ((total - this.#startTotal) * 1000) / sinceMs : null,
      m1PerSecond: m1,
      m5PerSecond: m5,
      m15PerSecond: m15,
    };
  }

  /** Forgets what was before. */
  reset(): void {
    this.#startMs = this.#lookedAtMs = this.#clock.now();
    this.#startTotal = this.#lookedTotal = this.#source.total();
    this.#lastPerSecond = null;
    this.#weighted.fill(null);
  }

  #look(nowMs: number, total: number): void {
    const elapsedMs = nowMs - this.#lookedAtMs;
    const perSecond = ((total - this.#lookedTotal) * 1000) / elapsedMs;
    this.#lookedAtMs = nowMs;
    this.#lookedTotal = total;
    this.#lastPerSecond = perSecond;
    WINDOWS_MS.forEach((windowMs, i) => {
      const before = this.#weighted[i] ?? perSecond; // the first look is all there is
      this.#weighted[i] = before + (perSecond - before) * -Math.expm1(-elapsedMs / windowMs);
    });
  }
}

/** @throws ArgumentRangeError */
export function checkWindow({ clock, intervalMs }: RateWindowOptions): void {
  if (clock !== undefined) checkMethod('clock', clock, 'now');
  if (intervalMs !== undefined && !(Number.isFinite(intervalMs) && intervalMs > 0))
    throw new ArgumentRangeError('intervalMs', intervalMs, 'milliseconds above 0');
}
