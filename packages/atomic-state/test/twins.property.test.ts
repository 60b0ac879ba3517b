// The two implementations side by side, step by step: the same outcomes, the same snapshots, whatever the options.
import { Arena, CoarseClock } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cellsOf, type Implementation } from '../src/implementation.ts';
import { failure, machineRoot } from '../src/layout.ts';
import type { EndpointOptions } from '../src/policy.ts';
import { StateMachine } from '../src/state-machine.ts';

const KINDS = [
  ...['acquire', 'acquire', 'acquire', 'ok', 'ok', 'failed', 'failed', 'late', 'slow', 'unknown', 'twice'],
  ...[
    'admit',
    'admit many',
    'refund',
    'open',
    'close',
    'isolate',
    'compressed',
    'bomb',
    'restore',
    'reclaim',
  ],
] as const;

type Step = readonly [kind: (typeof KINDS)[number], afterMs: number, size: number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...KINDS),
  fc.oneof(fc.constantFrom(0, 0, 1), fc.nat({ max: 12 }), fc.nat({ max: 150 })),
  fc.nat({ max: 300 }),
);

const window = fc.record({
  failureThreshold: fc.integer({ min: 1, max: 4 }),
  failureWindowMs: fc.integer({ min: 1, max: 100 }),
});
const rolling = fc.record({
  errorThresholdPercentage: fc.constantFrom(0, 20, 33.33, 50, 99.99),
  volumeThreshold: fc.nat({ max: 6 }),
  rollingCountTimeout: fc.constantFrom(10, 40, 95, 300),
});
const slowness = fc.record({
  slowCallDurationMs: fc.nat({ max: 50 }),
  slowCallPercentage: fc.constantFrom(0, 30, 60),
});
const common = fc.record({
  resetTimeout: fc.integer({ min: 1, max: 60 }),
  halfOpenProbes: fc.integer({ min: 1, max: 3 }),
  closeRatio: fc.constantFrom(0.3, 0.5, 1),
  burst: fc.integer({ min: 1, max: 6 }),
  refillPerSecond: fc.constantFrom(Infinity, 50, 1000, 3000),
  capacity: fc.constantFrom(Infinity, Infinity, 1, 3),
});
const options: fc.Arbitrary<EndpointOptions> = fc
  .tuple(common, fc.oneof(window, rolling, fc.tuple(window, rolling), fc.tuple(rolling, slowness)))
  .map(([base, more]) => Object.assign({}, base, ...[more].flat()));

function side(
  implementation: Implementation,
  given: EndpointOptions,
  startMs: number,
): (kind: Step[0], nowMs: number, size: number) => unknown {
  const arena = Arena.create({ bytes: 1 << 17 });
  const clock = CoarseClock.create(arena, { startMs });
  const machine = StateMachine.create(arena, { endpoints: 1, clock, implementation });
  const endpoint = machine.endpoint('e', given);
  const cells = cellsOf(arena, machine.handle.at);
  const at = arena.i32[(machine.handle.at >> 2) + machineRoot.word.cells] as number;
  const out: number[] = [];
  const queued: [admission: number, count: number][] = [];
  let last: number | undefined;
  const record = (ok: boolean, admission: number | undefined, now: number, durationMs = 0): unknown => {
    if (admission === undefined) return 'none';
    last = admission;
    const current = machine.isCurrent(endpoint, admission);
    return [machine.recordDelivery(endpoint, ok, admission, durationMs, now), current];
  };
  const admit = (count: number, now: number): number => {
    const admission = cells.kernel.admitEvents(at, count, now);
    if (admission >= 0) queued.push([admission, count]);
    return admission;
  };
  const act = (kind: Step[0], now: number, size: number): unknown => {
    switch (kind) {
      case 'acquire': {
        const outcome = machine.tryAcquire(endpoint, now);
        if (outcome >= 0) out.push(outcome);
        return outcome;
      }
      case 'ok':
        return record(true, out.shift(), now);
      case 'failed':
        return record(false, out.shift(), now);
      case 'late':
        return record(false, out.pop(), now);
      case 'slow':
        return record(true, out.shift(), now, size);
      case 'unknown':
        return (
          (given.capacity ?? Infinity) === Infinity &&
          machine.recordDelivery(endpoint, false, undefined, 0, now)
        );
      case 'twice':
        return record(true, last, now);
      case 'admit':
        return admit(1, now);
      case 'admit many':
        return admit(1 + (size % 4), now);
      case 'refund': {
        const [admission, count] = queued.shift() ?? [];
        if (admission !== undefined && count !== undefined) cells.kernel.refundEvents(at, count, admission);
        return admission;
      }
      case 'open':
        return size < 50 && machine.open(endpoint, now);
      case 'close':
        return machine.close(endpoint);
      case 'isolate':
        return size < 30 && machine.isolate(endpoint, now);
      case 'compressed':
        return machine.recordCompression(endpoint, size);
      case 'bomb':
        return machine.recordBomb(endpoint, size);
      case 'restore':
        // By the clock, which the test advances; ages are of the snapshot.
        return machine.restore(machine.snapshot(), { elapsedMs: size % 3 });
      case 'reclaim':
        return size < 30 && machine.reclaim(99);
    }
  };
  return (kind, nowMs, size) => {
    Atomics.store(arena.i32, clock.addressOfNow >> 2, (startMs + nowMs) | 0);
    const outcome = act(kind, clock.now(), size);
    cells.casCounts(); // publishes what this instance of the kernel has counted
    const { casSuccesses } = machine.metrics();
    return { kind, outcome, casSuccesses, snapshot: machine.snapshot(endpoint) };
  };
}

/** What is left from the era before last of the same number counts for nothing, and is not shown, while the breaker is half open. */
const EIGHT_ERAS: [EndpointOptions, number, Step[]] = [
  {
    resetTimeout: 1,
    halfOpenProbes: 1,
    closeRatio: 0.3,
    burst: 1,
    refillPerSecond: Infinity,
    capacity: Infinity,
    failureThreshold: 1,
    failureWindowMs: 1,
    errorThresholdPercentage: 0,
    volumeThreshold: 0,
    rollingCountTimeout: 300,
  },
  0,
  [
    ['unknown', 0, 0],
    ['restore', 0, 0],
    ['acquire', 1, 0],
    ['acquire', 1, 0],
    ['isolate', 0, 0],
    ['close', 0, 0],
    ['acquire', 24, 0],
    ['unknown', 3, 0],
    ['acquire', 1, 0],
    ['acquire', 1, 0],
    ['acquire', 1, 0],
    ['acquire', 1, 0],
  ],
];

test('an endpoint behind a mutex does what the word does', { timeout: 60_000 }, () => {
  fc.assert(
    fc.property(
      options,
      fc.constantFrom(0, 5000, 0x7fffff00, 0x3fffff00, -200),
      fc.array(step, { maxLength: 150, size: 'max' }),
      (given, startMs, steps) => {
        const [word, mutex] = [side('atomic', given, startMs), side('standard', given, startMs)];
        let nowMs = 0;
        for (const [kind, afterMs, size] of steps) {
          nowMs += afterMs;
          // The word enters a failure of time 0 of era 0 a millisecond late (kernel/window.ts).
          if ((startMs + nowMs) << failure.field.timeMs.shift === 0) nowMs++;
          expect(mutex(kind, nowMs, size)).toEqual(word(kind, nowMs, size));
        }
      },
    ),
    { numRuns: 500, examples: [EIGHT_ERAS] },
  );
});
