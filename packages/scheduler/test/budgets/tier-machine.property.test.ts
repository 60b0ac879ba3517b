// The tier machine against the plain reference of tier-reference.ts, on random histories.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as machine from '../../src/budgets/tier-machine.ts';
import {
  CPU_UNKNOWN,
  DEMOTED,
  newTierRecord,
  observePoll,
  observePolls,
  PROMOTED,
  tierIn,
} from '../../src/budgets/tier-machine.ts';
import { tierRow } from '../../src/budgets/tier-table.ts';
import {
  agreement,
  gap,
  history,
  observe,
  plans,
  pollsOf,
  priority,
  small,
  type Met,
} from './tier-histories.ts';

const RUNS = Number(process.env['TIER_RUNS'] ?? 300);

describe('the tier machine', () => {
  test('does with each poll what the reference does, under all profiles, priorities and settings', () => {
    const met: Met = { promoted: 0, demoted: 0, 'cooling down': 0 };
    fc.assert(agreement(machine, met), { numRuns: RUNS });
    // The histories are such that there is something to differ in.
    expect(Math.min(...Object.values(met))).toBeGreaterThan(RUNS / 10);
  });

  test('moves by one tier at a time, and no sooner after the last move than hysteresis and the time at a tier say', () => {
    fc.assert(
      fc.property(plans, priority, history, (plan, level, steps) => {
        const rules = plan.rules[level];
        const record = newTierRecord(rules, 0);
        let [tier, changedMs] = [0, -Infinity];
        for (const poll of pollsOf(steps)) {
          const outcome = observe(machine, record, rules, poll);
          const now = tierIn(record, 0);
          const expected = (outcome & PROMOTED ? 1 : 0) - (outcome & DEMOTED ? 1 : 0);
          expect(now - tier).toBe(expected);
          const sinceMs = poll.atMs - changedMs;
          if (now > tier) expect(sinceMs).toBeGreaterThanOrEqual(rules.promotionHysteresisMs);
          if (now < tier) {
            expect(sinceMs).toBeGreaterThanOrEqual(rules.demotionHysteresisMs);
            expect(sinceMs).toBeGreaterThanOrEqual(tierRow(rules, tier).minMs);
          }
          if (now !== tier) changedMs = poll.atMs;
          tier = now;
        }
      }),
      { numRuns: RUNS },
    );
  });

  test('takes many polls at once as one after the other', () => {
    fc.assert(
      fc.property(
        plans,
        history,
        small(1, 200),
        fc.boolean(),
        gap,
        (plan, steps, polls, areGood, afterMs) => {
          const rules = plan.rules.normal;
          const record = newTierRecord(rules, 0);
          let nowMs = afterMs;
          for (const poll of pollsOf(steps)) {
            observe(machine, record, rules, poll);
            nowMs = poll.atMs + afterMs;
          }
          const other = record.slice();
          let one = 0;
          for (let i = 0; i < polls; i++) {
            // Longer than a good poll of any tier, and no violation; or as short as can be.
            const wallMs = areGood ? 0 : Math.min(rules.slowPollMs, 1e6);
            if (!areGood && wallMs <= tierRow(rules, tierIn(record, 0)).goodCpuUs / 1000) return;
            one |= observePoll(record, 0, rules, wallMs, CPU_UNKNOWN, false, nowMs);
          }
          expect(observePolls(other, 0, rules, polls, areGood, nowMs)).toBe(one);
          expect(other).toEqual(record);
        },
      ),
      { numRuns: RUNS },
    );
  });

  test('never leaves tier 0 while there is no violation, nor tier 3 while each poll is one', () => {
    fc.assert(
      fc.property(plans, priority, history, (plan, level, steps) => {
        const rules = plan.rules[level];
        const good = newTierRecord(rules, 0);
        const bad = newTierRecord(rules, 0, 3);
        for (const poll of pollsOf(steps)) {
          observe(machine, good, rules, {
            ...poll,
            wallMs: Math.min(poll.wallMs, rules.slowPollMs),
            cpuMs: undefined,
            isSpent: false,
          });
          observe(machine, bad, rules, { ...poll, isSpent: true });
        }
        expect([tierIn(good, 0), tierIn(bad, 0)]).toEqual([0, 3]);
      }),
      { numRuns: RUNS },
    );
  });
});
