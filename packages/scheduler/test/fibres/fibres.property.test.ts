// Random programs of fibres: whatever they do and whoever is cancelled, each ends once, and nothing is left.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  FIBRE_POLICIES,
  FibreScheduler,
  giveWay,
  join,
  pause,
  sleep,
  uncancelled,
  until,
  type Fibre,
  type FibreGenerator,
} from '../../src/fibres/index.ts';

interface Step {
  readonly kind: 'yield' | 'pause' | 'giveWay' | 'sleep' | 'until' | 'fail' | 'join' | 'cancel' | 'spawn';
  readonly which: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('yield' as const, 'pause' as const, 'giveWay' as const) },
    { weight: 2, arbitrary: fc.constantFrom('sleep' as const, 'until' as const) },
    { weight: 3, arbitrary: fc.constantFrom('join' as const, 'cancel' as const, 'spawn' as const) },
    { weight: 1, arbitrary: fc.constant('fail' as const) },
  ),
  which: fc.nat(20),
});
const programs = fc.array(fc.array(step, { maxLength: 8 }), { minLength: 1, maxLength: 8 });

/** What a fibre has come to, told by itself; a second end would show. */
interface Trace {
  begun: number;
  ended: number;
}

async function runAll(fibres: FibreScheduler, list: readonly (readonly Step[])[]): Promise<void> {
  const all: Fibre<string>[] = [];
  const traces: Trace[] = [];
  const spawn = (steps: readonly Step[]): void => {
    const trace = { begun: 0, ended: 0 };
    traces.push(trace);
    all.push(
      fibres.spawn(() => body(steps, trace), { name: `f${all.length}`, priority: (all.length * 7) % 21 }),
    );
  };
  function* body(steps: readonly Step[], trace: Trace): FibreGenerator<string> {
    trace.begun++;
    try {
      for (const each of steps) {
        if (each.kind === 'yield') yield;
        else if (each.kind === 'pause') yield* pause;
        else if (each.kind === 'giveWay') yield* giveWay;
        else if (each.kind === 'sleep') yield* sleep(0);
        else if (each.kind === 'until') yield* until(Promise.resolve());
        else if (each.kind === 'fail') throw new Error('failed by itself');
        else if (each.kind === 'spawn') {
          if (all.length < 30) spawn(list[each.which % list.length] as readonly Step[]);
        } else {
          const { kind, which } = each;
          const other = all[which % all.length] as Fibre<string>;
          if (kind === 'cancel') other.cancel();
          else yield* join(other);
        }
      }
      return 'returned';
    } finally {
      yield* uncancelled(giveWay);
      trace.ended++;
    }
  }
  for (const steps of list) spawn(steps);
  for (let i = 0; i < all.length; i++) await (all[i] as Fibre<string>).join().catch(() => {});
  await fibres.close();
  all.forEach(({ state, isFinished }, i) => {
    const { begun, ended } = traces[i] as Trace;
    expect(isFinished).toBe(true);
    expect(begun).toBe(ended);
    expect(begun).toBeLessThanOrEqual(1);
    if (state !== 'cancelled') expect(begun).toBe(1);
  });
  const { finished, failed, cancelled, live, ready, sleeping, spawned } = fibres.stats();
  expect({ live, ready, sleeping }).toEqual({ live: 0, ready: 0, sleeping: 0 });
  expect(finished + failed + cancelled).toBe(spawned);
  expect(spawned).toBe(all.length);
}

describe.each(FIBRE_POLICIES)('policy %s', (policy) => {
  test.each([false, true])(
    'every fibre ends once, with budgets: %s',
    { timeout: 30_000 },
    async (budgets) => {
      await fc.assert(
        fc.asyncProperty(programs, fc.constantFrom(0, 10), async (list, sliceMs) => {
          const slices = policy === 'fifo' ? {} : { sliceMs };
          await runAll(new FibreScheduler({ policy, budgets, onError: () => {}, ...slices }), list);
        }),
        { numRuns: 60 },
      );
    },
  );
});
