// A hog among a hundred tasks that behave. `npm run hog` prints what becomes of their latency, with and without budgets.
import { expect, test } from 'vitest';
import { TIERS } from '../src/budgets/index.ts';
import { runExperiment, STEP_MS, wayOf } from './hog/experiment.ts';
import { Draws } from './injection/draws.ts';

const NS_PER_MS = 1e6;
/** It is isolated after some 400 ms, and they make up for what they have waited until then. */
const MILLISECONDS = 2500;

test(
  'a hog goes through all tiers, one at a time, and on to the slow lane; those beside it do not wait for its steps then',
  { timeout: 60_000, retry: 2 }, // a machine that stalls makes anybody slow
  async () => {
    const { ns, isolatedNs, moves, stays, wrong } = await runExperiment({
      draws: new Draws(1),
      milliseconds: MILLISECONDS,
      hasHog: true,
      scheduler: { threads: 1, budgets: true },
    });
    expect(moves.filter(({ task }) => task !== 'hog')).toEqual([]);
    expect(wayOf(moves)).toEqual(TIERS);
    // From the common worker to that of the slow lane, once, and from the state in which it was.
    expect(stays.map(([worker]) => worker)).toEqual([0, 1]);
    expect(wrong).toBe(0);
    expect(isolatedNs.count).toBeGreaterThan(ns.count / 3);
    expect(isolatedNs.percentile(50)).toBeLessThan((STEP_MS / 2) * NS_PER_MS);
  },
);

test('without budgets they wait for all of it', { timeout: 60_000 }, async () => {
  const milliseconds = 500;
  const { ns, moves, stays } = await runExperiment({
    draws: new Draws(1),
    milliseconds,
    hasHog: true,
    scheduler: { threads: 1 },
  });
  expect(moves).toEqual([]);
  expect(stays.map(([worker]) => worker)).toEqual([0]);
  // Submitted while it ran: the later, the shorter they waited.
  expect(ns.percentile(50)).toBeGreaterThan((milliseconds / 4) * NS_PER_MS);
});
