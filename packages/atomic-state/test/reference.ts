// What an endpoint does, said plainly for one thread: objects, a list of failure times, 64-bit time. The kernel must agree with it.
import { Recorded, Refusal } from '../src/outcome.ts';

export interface ReferenceOptions {
  readonly failureThreshold: number;
  readonly failureWindowMs: number;
  readonly resetTimeout: number;
  readonly halfOpenProbes: number;
  readonly closeSuccesses: number;
  readonly burst: number;
  /** Millionths of a token a millisecond, or undefined where the rate is not limited. */
  readonly microPerMs: number | undefined;
}

export class Reference {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  successes = 0;
  failures = 0;
  version = 0;
  era = 0;
  trips = 0;
  reopens = 0;
  tokens: number;
  readonly #options: ReferenceOptions;
  #sinceMs = 0;
  #admitted = 0;
  #failedAtMs: number[] = [];
  #paidUntilMs: number;
  #fraction = 0;

  constructor(options: ReferenceOptions, nowMs: number) {
    this.#options = options;
    this.tokens = options.burst;
    this.#paidUntilMs = nowMs;
  }

  acquire(nowMs: number): number {
    const refilled = this.#refill(nowMs);
    if (this.state !== 'closed' && refilled) this.version++;
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

  record(ok: boolean, admission: number, nowMs: number): number {
    if (this.state === 'open' || admission >> 1 !== this.era % 8) return Recorded.Stale;
    this.version++;
    if (this.state === 'half-open') {
      if (ok) this.successes++;
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
    if (ok) {
      this.successes = Math.min(65535, this.successes + 1);
      return Recorded.Counted;
    }
    this.failures = Math.min(65535, this.failures + 1);
    this.#failedAtMs.push(nowMs);
    const last = this.#failedAtMs.slice(-this.#options.failureThreshold);
    if (last.length < this.#options.failureThreshold) return Recorded.Counted;
    if (nowMs - Math.min(...last) > this.#options.failureWindowMs) return Recorded.Counted;
    this.trips++;
    this.#open(nowMs);
    return Recorded.Tripped;
  }

  #open(nowMs: number): void {
    this.state = 'open';
    this.version++;
    this.era++;
    this.#sinceMs = nowMs;
    this.#admitted = 0;
    this.#failedAtMs = [];
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
