import { Arena, CoarseClock } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StateMachine } from '../src/state-machine.ts';
import { Reference } from './reference.ts';

type Step = readonly [kind: 'acquire' | 'ok' | 'failed' | 'late', afterMs: number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('acquire', 'acquire', 'ok', 'failed', 'failed', 'late'),
  fc.oneof(fc.constant(0), fc.nat({ max: 3 }), fc.nat({ max: 60 }), fc.nat({ max: 5000 })),
);

const options = fc.record({
  failureThreshold: fc.integer({ min: 1, max: 6 }),
  failureWindowMs: fc.integer({ min: 1, max: 100 }),
  openDurationMs: fc.integer({ min: 1, max: 60 }),
  halfOpenProbes: fc.integer({ min: 1, max: 4 }),
  closeRatio: fc.constantFrom(0.3, 0.5, 0.8, 1),
  capacity: fc.integer({ min: 1, max: 6 }),
  refillPerSecond: fc.constantFrom(Infinity, 10, 250, 1000, 3000),
});

// The 32-bit clock starts anywhere, so that it wraps within some runs.
test('on one thread the kernel does what the plain reference does, step by step', () => {
  fc.assert(
    fc.property(
      options,
      fc.oneof(fc.constant(0x7fffff00), fc.constant(-200), fc.integer()),
      fc.array(step, { maxLength: 120 }),
      (given, startMs, steps) => {
        const arena = Arena.create({ bytes: 65536 });
        const clock = CoarseClock.create(arena, { startMs });
        const machine = StateMachine.create(arena, { endpoints: 1, clock });
        const endpoint = machine.endpoint('e', given);
        const reference = new Reference(
          {
            ...given,
            closeSuccesses: Math.ceil(given.closeRatio * given.halfOpenProbes - 1e-9),
            perMs: Number.isFinite(given.refillPerSecond) ? given.refillPerSecond / 1000 : undefined,
          },
          startMs,
        );
        const out: number[] = [];
        let nowMs = startMs;
        for (const [kind, afterMs] of steps) {
          nowMs += afterMs;
          const now = nowMs | 0;
          if (kind === 'acquire') {
            const outcome = machine.tryAcquire(endpoint, now);
            expect(outcome).toBe(reference.acquire(nowMs));
            if (outcome >= 0) out.push(outcome);
          } else {
            const admission = kind === 'late' ? out.pop() : out.shift();
            if (admission === undefined) continue;
            const ok = kind !== 'failed';
            expect(machine.recordDelivery(endpoint, ok, admission, now)).toBe(
              reference.record(ok, admission, nowMs),
            );
          }
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
    { numRuns: 1000 },
  );
});
