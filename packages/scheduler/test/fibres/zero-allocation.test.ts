import { measureAllocation } from '@corelane/memory-tracker';
import { describe, expect, test } from 'vitest';
import { FIBRE_POLICIES, FibreScheduler, giveWay, pause } from '../../src/fibres/index.ts';

/** A call of `poll` itself enters an async context, which allocates some 600 bytes. */
const POLLS = 30_000;

/** Bytes for each time that a fibre is resumed. */
function bytesPerPoll(fibres: FibreScheduler, polls = POLLS): number {
  const options = { iterations: 20, warmup: 40 };
  const { bytesPerOperation } = measureAllocation(() => void fibres.poll(polls), options);
  return bytesPerOperation / polls;
}

describe.each(FIBRE_POLICIES)('policy %s', (policy) => {
  test('a switch allocates nothing', () => {
    // What a clock says is boxed, again and again in code that is not compiled because it runs so seldom, some 180 bytes: one switch in so many is timed.
    const fibres = new FibreScheduler({ policy, timeEvery: 10_000 });
    for (let i = 0; i < 3; i++)
      fibres.spawn(function* () {
        for (;;) yield* giveWay;
      });
    expect(bytesPerPoll(fibres)).toBeLessThan(0.1);
    const { polls, switches } = fibres.stats();
    expect(switches.count).toBe(polls);
    expect(switches.samples).toBeGreaterThan(100);
  });

  test('a switch that is timed allocates a number, what the clock says, and nothing else', () => {
    const fibres = new FibreScheduler({ policy, timeEvery: 1 });
    for (let i = 0; i < 3; i++)
      fibres.spawn(function* () {
        for (;;) yield* giveWay;
      });
    expect(bytesPerPoll(fibres, 3000)).toBeLessThan(16.5);
    const { polls, switches } = fibres.stats();
    expect(switches.samples).toBeGreaterThan(0.99 * polls); // the first of a poll has no time before it
  });
});

test('a pause that is no switch allocates nothing either', () => {
  const fibres = new FibreScheduler();
  fibres.spawn(function* () {
    for (;;) yield* pause;
  });
  expect(bytesPerPoll(fibres)).toBeLessThan(0.1);
  expect(fibres.stats().switches.count).toBe(1);
});

test('a bare yield allocates what the engine returns from it, which this measurement sees', () => {
  const fibres = new FibreScheduler();
  fibres.spawn(function* () {
    for (;;) yield;
  });
  expect(bytesPerPoll(fibres, 3000)).toBeGreaterThan(16);
});
