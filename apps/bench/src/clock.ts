export interface ClockCost {
  /** One `process.hrtime.bigint()`, nanoseconds: the runner's clock, read twice a batch. */
  readonly hrtimeNs: number;
  /** One `performance.now()`, nanoseconds. */
  readonly performanceNowNs: number;
}

const CALLS = 50_000;

export function nowNs(): number {
  return Number(process.hrtime.bigint());
}

function cost(read: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let repeat = 0; repeat < 5; repeat++) {
    const start = nowNs();
    for (let call = 0; call < CALLS; call++) read();
    best = Math.min(best, (nowNs() - start) / CALLS);
  }
  return best;
}

export function measureClock(): ClockCost {
  return {
    hrtimeNs: cost(() => process.hrtime.bigint()),
    performanceNowNs: cost(() => performance.now()),
  };
}
