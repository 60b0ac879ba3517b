import { Arena, CoarseClock } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EndpointOptions } from '../src/policy.ts';
import { StateMachine } from '../src/state-machine.ts';
import { implementation } from './implementation.ts';
import { Reference, type ReferenceOptions } from './reference.ts';

type Kind = 'acquire' | 'ok' | 'failed' | 'late' | 'slow' | 'open' | 'isolate' | 'close';
type Step = readonly [kind: Kind, afterMs: number];

const SLOW_MS = 10;

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.constantFrom<Kind>('acquire', 'acquire', 'ok', 'failed', 'failed', 'late', 'slow'),
    },
    { weight: 1, arbitrary: fc.constantFrom<Kind>('open', 'isolate', 'close', 'close') },
  ),
  fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 60 }), fc.nat({ max: 5000 })),
);

const options = fc.record({
  failureThreshold: fc.integer({ min: 1, max: 6 }),
  failureWindowMs: fc.integer({ min: 1, max: 100 }),
  resetTimeout: fc.integer({ min: 1, max: 60 }),
  halfOpenProbes: fc.integer({ min: 1, max: 4 }),
  closeRatio: fc.constantFrom(0.3, 0.5, 0.8, 1),
  burst: fc.integer({ min: 1, max: 6 }),
  refillPerSecond: fc.constantFrom(Infinity, 10, 250, 1000, 3000),
});

/** With a rolling window of percentages, slow calls and a limit of calls in flight. */
const rollingOptions = fc
  .record({
    base: fc.record({
      resetTimeout: fc.integer({ min: 1, max: 60 }),
      halfOpenProbes: fc.integer({ min: 1, max: 4 }),
      closeRatio: fc.constantFrom(0.3, 0.8, 1),
      burst: fc.integer({ min: 1, max: 6 }),
      refillPerSecond: fc.constantFrom(Infinity, Infinity, 3000),
      volumeThreshold: fc.nat({ max: 8 }),
      rollingCountTimeout: fc.constantFrom(10, 50, 100, 1000),
    }),
    failureThreshold: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
    errorThresholdPercentage: fc.constantFrom(undefined, 0, 33.33, 50, 99.99),
    slowCallPercentage: fc.constantFrom(undefined, 0, 50, 75),
    capacity: fc.constantFrom(undefined, 1, 3, 1000),
  })
  .filter(
    ({ errorThresholdPercentage: errors, slowCallPercentage: slow }) =>
      errors !== undefined || slow !== undefined,
  )
  .map(({ base, failureThreshold, errorThresholdPercentage, slowCallPercentage, capacity }) => ({
    ...base,
    ...(failureThreshold === undefined ? {} : { failureThreshold, failureWindowMs: 100 }),
    ...(errorThresholdPercentage === undefined ? {} : { errorThresholdPercentage }),
    ...(slowCallPercentage === undefined ? {} : { slowCallPercentage, slowCallDurationMs: SLOW_MS }),
    ...(capacity === undefined ? {} : { capacity }),
  }));

const DAY_MS = 86_400_000;

/** Every option at its least and its most. */
const extremeOptions = fc.record({
  failureThreshold: fc.constantFrom(1, 2, 96),
  failureWindowMs: fc.constantFrom(1, DAY_MS),
  resetTimeout: fc.constantFrom(1, DAY_MS),
  halfOpenProbes: fc.constantFrom(1, 2, 1000),
  closeRatio: fc.constantFrom(1e-12, 0.001, 0.5, 1),
  burst: fc.constantFrom(1, 255),
  refillPerSecond: fc.constantFrom(Infinity, 0.001, 0.0014, 999.999, 254_999.999, 255_000),
});

const leapingStep: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom<Kind>('acquire', 'acquire', 'ok', 'failed', 'failed', 'late'),
  fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom(0, 0, 1, 2) },
    { weight: 4, arbitrary: fc.nat({ max: 1_100_000 }) },
    { weight: 1, arbitrary: fc.constantFrom(DAY_MS - 1, DAY_MS, DAY_MS + 1) },
  ),
);

const MAX_RUN_MS = 5 * DAY_MS; // PROTOCOL.md: the times of failures wrap in 6 days

// The 32-bit clock starts anywhere, so that it wraps within some runs; the 29-bit stamps of failures wrap at 0 and at 2 ** 29, the 31 bits
// of the rolling window at 2 ** 30.
test.each([
  ['options of every day', options, step, 120, 1000],
  ['percentages, slow calls, permits', rollingOptions, step, 120, 1000],
  ['options at their ends', extremeOptions, leapingStep, 400, 500],
] as const)(
  'on one thread the kernel does what the plain reference does, step by step: %s',
  (_, someOptions, someStep, maxLength, numRuns) => {
    fc.assert(
      fc.property(
        someOptions as fc.Arbitrary<EndpointOptions>,
        fc.oneof(
          fc.constantFrom(0x7fffff00, -200, 2 ** 29 - 200, 2 ** 28 - 200, 2 ** 30 - 200),
          fc.integer(),
        ),
        fc.array(someStep, { maxLength, size: 'max' }),
        (given, startMs, steps) => {
          const arena = Arena.create({ bytes: 65536 });
          const clock = CoarseClock.create(arena, { startMs });
          const machine = StateMachine.create(arena, {
            endpoints: 1,
            clock,
            implementation: implementation(),
          });
          const endpoint = machine.endpoint('e', given);
          const reference = new Reference(referenceOptions(given), startMs);
          const out: number[] = [];
          let nowMs = startMs;
          for (const [kind, afterMs] of steps) {
            if (nowMs - startMs < MAX_RUN_MS) nowMs += afterMs;
            const now = nowMs | 0;
            switch (kind) {
              case 'acquire': {
                const outcome = machine.tryAcquire(endpoint, now);
                expect(withoutPermit(outcome)).toBe(reference.acquire(nowMs));
                if (outcome >= 0) out.push(outcome);
                break;
              }
              case 'open':
                expect(machine.open(endpoint, now)).toBe(reference.open(nowMs));
                break;
              case 'isolate':
                expect(machine.isolate(endpoint, now)).toBe(reference.isolate(nowMs));
                break;
              case 'close':
                expect(machine.close(endpoint)).toBe(reference.close());
                break;
              case 'ok':
              case 'failed':
              case 'slow':
              case 'late': {
                const admission = kind === 'late' ? out.pop() : out.shift();
                if (admission === undefined) continue;
                const ok = kind !== 'failed';
                const durationMs = kind === 'slow' ? SLOW_MS + 1 : SLOW_MS;
                expect(machine.recordDelivery(endpoint, ok, admission, durationMs, now)).toBe(
                  reference.record(ok, withoutPermit(admission), durationMs, nowMs),
                );
              }
            }
            expect(machine.snapshot(endpoint)).toMatchObject({
              isolated: reference.isolated,
              forced: reference.forced,
              inFlight: reference.inFlight,
            });
            const { state, successes, failures, tokens, version, era, trips, reopens } =
              machine.snapshot(endpoint);
            const throttled = reference.state === 'closed' && reference.tokens === 0;
            expect({ state, successes, failures, tokens, version, era, trips, reopens }).toEqual({
              state: throttled ? 'throttled' : reference.state,
              successes: reference.successes,
              failures: reference.failures,
              tokens: reference.tokens,
              version: reference.version % 256,
              era: reference.era % 8,
              trips: reference.trips,
              reopens: reference.reopens,
            });
          }
        },
      ),
      { numRuns },
    );
  },
  60_000,
);

function withoutPermit(outcome: number): number {
  return outcome < 0 ? outcome : outcome & 15;
}

function referenceOptions(given: EndpointOptions): ReferenceOptions {
  const { errorThresholdPercentage, slowCallPercentage, closeRatio = 0.8, halfOpenProbes = 3 } = given;
  const rolling = errorThresholdPercentage !== undefined || slowCallPercentage !== undefined;
  const perSecond = given.refillPerSecond ?? Infinity;
  return {
    failureThreshold: given.failureThreshold ?? (rolling ? 0 : 5),
    failureWindowMs: given.failureWindowMs ?? 60_000,
    resetTimeout: given.resetTimeout ?? 30_000,
    halfOpenProbes,
    burst: given.burst ?? 100,
    closeSuccesses: Math.max(1, Math.ceil(closeRatio * halfOpenProbes - 1e-9)),
    microPerMs: Number.isFinite(perSecond) ? Math.round(perSecond * 1000) : undefined,
    ...(given.capacity === undefined ? {} : { capacity: given.capacity }),
    ...(rolling
      ? {
          rolling: {
            bucketMs: Math.ceil((given.rollingCountTimeout ?? 10_000) / 10),
            volumeThreshold: given.volumeThreshold ?? 0,
            errorPercentage: errorThresholdPercentage,
            slowPercentage: slowCallPercentage,
            slowCallDurationMs: given.slowCallDurationMs ?? 0,
          },
        }
      : {}),
  };
}
