/**
 * The breaker that a service with one thread would write itself: fields of an object, the same thresholds, no atomics, nobody
 * else can see it. The honest opponent of a shared word in one thread.
 */
export class ObjectBreaker {
  open = false;
  successes = 0;
  failures = 0;
  readonly #threshold: number;
  readonly #windowMs: number;
  #windowStartMs = 0;

  constructor(threshold: number, windowMs: number) {
    this.#threshold = threshold;
    this.#windowMs = windowMs;
  }

  tryAcquire(): boolean {
    return !this.open;
  }

  record(ok: boolean, nowMs: number): void {
    if (ok) {
      this.successes++;
      return;
    }
    if (nowMs - this.#windowStartMs > this.#windowMs) {
      this.#windowStartMs = nowMs;
      this.failures = 0;
    }
    this.failures++;
    if (this.failures >= this.#threshold) this.open = true;
  }
}
