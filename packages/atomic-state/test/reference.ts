// What an endpoint does, said plainly for one thread: objects, a list of failure times, 64-bit time. The kernel must agree with it.
import { Recorded, Refusal } from '../src/outcome.ts';

export interface ReferenceOptions {
  /** 0: however many. */
  readonly failureThreshold: number;
  readonly failureWindowMs: number;
  readonly resetTimeout: number;
  readonly halfOpenProbes: number;
  readonly closeSuccesses: number;
  readonly burst: number;
  /** Millionths of a token a millisecond, or undefined where the rate is not limited. */
  readonly microPerMs: number | undefined;
  /** The rolling window, where there is one: percentages that must be exceeded. */
  readonly rolling?: {
    readonly bucketMs: number;
    readonly volumeThreshold: number;
    readonly errorPercentage: number | undefined;
    readonly slowPercentage: number | undefined;
    readonly slowCallDurationMs: number;
  };
  readonly capacity?: number;
}

/** A result in the rolling window. */
interface Result {
  readonly tick: number;
  readonly failed: boolean;
  readonly slow: boolean;
}

const BUCKETS = 10;

export class Reference {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  successes = 0;
  failures = 0;
  version = 0;
  era = 0;
  trips = 0;
  reopens = 0;
  forced = 0;
  isolated = false;
  inFlight = 0;
  tokens: number;
  readonly #options: ReferenceOptions;
  #sinceMs = 0;
  #admitted = 0;
  #failedAtMs: number[] = [];
  #results: Result[] = [];
  #paidUntilMs: number;
  #fraction = 0;

  constructor(options: ReferenceOptions, nowMs: number) {
    this.#options = options;
    this.tokens = options.burst;
    this.#paidUntilMs = nowMs;
  }

  /** An admission without its permit, or a refusal. */
  acquire(nowMs: number): number {
    const { capacity = Infinity } = this.#options;
    if (this.inFlight === capacity) {
      if (this.isolated) return Refusal.Isolated;
      return this.state === 'open' ? Refusal.Open : Refusal.Busy;
    }
    const outcome = this.#admit(nowMs);
    if (outcome >= 0 && capacity !== Infinity) this.inFlight++;
    return outcome;
  }

  #admit(nowMs: number): number {
    const refilled = this.#refill(nowMs);
    if (this.state !== 'closed' && refilled) this.version++;
    if (this.isolated) return Refusal.Isolated;
    if (this.state === 'half-open' && this.#admitted === this.#options.halfOpenProbes) {
      if (nowMs - this.#sinceMs < this.#options.resetTimeout) return Refusal.Probing;
      this.reopens++;
      this.#open(nowMs);
    }
    if (this.state === 'open') {
      if (nowMs - this.#sinceMs < this.#options.resetTimeout) return Refusal.Open;
      this.#enter('half-open');
    }
    if (this.state === 'half-open') {
      this.#admitted++;
      this.#sinceMs = nowMs;
      return ((this.era % 8) << 1) | 1;
    }
    if (this.#options.microPerMs !== undefined) {
      if (this.tokens === 0) return Refusal.Throttled;
      this.tokens--;
      this.version++;
    }
    return (this.era % 8) << 1;
  }

  record(ok: boolean, admission: number, durationMs: number, nowMs: number): number {
    if (this.#options.capacity !== undefined) this.inFlight--;
    if (this.state === 'open' || admission >> 1 !== this.era % 8) return Recorded.Stale;
    this.version++;
    const { rolling } = this.#options;
    const slow = rolling?.slowPercentage !== undefined && durationMs > rolling.slowCallDurationMs;
    if (this.state === 'half-open') {
      if (ok && !slow) this.successes++;
      else this.failures++;
      if (this.successes >= this.#options.closeSuccesses) {
        this.version--;
        this.#enter('closed');
        return Recorded.Closed;
      }
      if (this.failures > this.#options.halfOpenProbes - this.#options.closeSuccesses) {
        this.version--;
        this.reopens++;
        this.#open(nowMs);
        return Recorded.Reopened;
      }
      return Recorded.Counted;
    }
    if (ok) this.successes = Math.min(65535, this.successes + 1);
    else this.failures = Math.min(65535, this.failures + 1);
    const tooMany = [!ok && this.#tooManyFailures(nowMs), this.#tooLargeAShare(nowMs, !ok, slow)];
    if (!tooMany.includes(true)) return Recorded.Counted;
    this.trips++;
    this.#open(nowMs);
    return Recorded.Tripped;
  }

  open(nowMs: number): boolean {
    if (this.state === 'open') return false;
    this.forced++;
    this.#open(nowMs);
    return true;
  }

  isolate(nowMs: number): boolean {
    if (this.isolated) return false;
    this.forced++;
    this.#open(nowMs);
    this.isolated = true;
    return true;
  }

  close(): boolean {
    if (this.state === 'closed') return false;
    if (this.isolated) this.era++;
    this.isolated = false;
    this.#enter('closed');
    return true;
  }

  #tooManyFailures(nowMs: number): boolean {
    const { failureThreshold, failureWindowMs } = this.#options;
    if (failureThreshold === 0) return false;
    this.#failedAtMs.push(nowMs);
    const last = this.#failedAtMs.slice(-failureThreshold);
    return last.length === failureThreshold && nowMs - Math.min(...last) <= failureWindowMs;
  }

  #tooLargeAShare(nowMs: number, failed: boolean, slow: boolean): boolean {
    const { rolling } = this.#options;
    if (rolling === undefined) return false;
    // On the machine's clock, of which the window sees 31 bits.
    const tick = Math.floor(((nowMs << 1) >> 1) / rolling.bucketMs);
    this.#results.push({ tick, failed, slow });
    if (!failed && !slow) return false;
    const recent = this.#results.filter((r) => r.tick <= tick && r.tick > tick - BUCKETS);
    if (recent.length < rolling.volumeThreshold) return false;
    const percentage = (of: (r: Result) => boolean): number =>
      (100 * recent.filter(of).length) / recent.length;
    const { errorPercentage = Infinity, slowPercentage = Infinity } = rolling;
    return percentage((r) => r.failed) > errorPercentage || percentage((r) => r.slow) > slowPercentage;
  }

  #open(nowMs: number): void {
    this.state = 'open';
    this.version++;
    this.era++;
    this.#sinceMs = nowMs;
    this.#admitted = 0;
    this.#failedAtMs = [];
    this.#results = [];
    this.isolated = false;
  }

  #enter(state: 'closed' | 'half-open'): void {
    this.state = state;
    this.version++;
    this.successes = 0;
    this.failures = 0;
  }

  #refill(nowMs: number): boolean {
    const { microPerMs, burst } = this.#options;
    if (microPerMs === undefined || nowMs === this.#paidUntilMs) return false;
    const elapsedMs = nowMs - this.#paidUntilMs;
    const due = elapsedMs * microPerMs + this.#fraction;
    if (elapsedMs >= Math.ceil((burst * 1e6) / microPerMs)) {
      this.tokens = burst;
      this.#fraction = 0;
    } else {
      const whole = Math.floor(due / 1e6);
      if (whole === 0) return false;
      this.tokens = Math.min(burst, this.tokens + whole);
      this.#fraction = due - whole * 1e6;
    }
    this.#paidUntilMs = nowMs;
    return true;
  }
}
