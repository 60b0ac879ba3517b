// What a poll costs that is watched: the machine of tiers, the metrics.
import {
  CPU_UNKNOWN,
  newTierRecord,
  observePoll,
  PROMOTED,
  TIER_ISOLATE,
  tierIn,
  tierPlan,
} from '@corelane/scheduler/budgets';
import { type BatchCase, type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from '../counters/counted.ts';
import { Held } from '../state/held.ts';
import { REFERENCE } from './reference.ts';

const GOOD = 'observePoll(), a good poll';
const MOST_NS = 15;

const { normal: rules } = tierPlan().rules;

/** Well within the limits of every tier, and above them. */
const SHORT_MS = 0.05;
const LONG_MS = 20;

const limit: BatchCase = (() => {
  const held = new Held<Float64Array>();
  return {
    name: 'two counters, one comparison',
    role: 'limit',
    note: 'what the machine does to a good poll between two checks, without what makes it right',
    setup: () => void held.set(new Float64Array(2)),
    batch(operations) {
      const record = held.get();
      let successful = 0;
      for (let i = 0; i < operations; i++) {
        record[0] = (record[0] as number) + 1;
        record[1] = (record[1] as number) - 1;
        if (record[1] <= 0) successful++;
      }
      return successful;
    },
    check: ({ operations }) =>
      held.get()[0] === operations ? undefined : `${held.get()[0]} counted, expected ${operations}`,
    teardown: () => void held.take(),
  };
})();

interface Watched {
  readonly record: Float64Array;
  polls: number;
  promotions: number;
}

const watched = (): Watched => ({ record: newTierRecord(rules, 0), polls: 0, promotions: 0 });

export const tiers: BatchGroup = {
  kind: 'batch',
  name: 'tier-check',
  title: 'One poll told to the tier machine',
  note: 'Its time and whether its budget was spent go in, what happened to its tier comes out.',
  cases: [
    counted({
      name: GOOD,
      role: 'ours',
      create: watched,
      run(state, operations) {
        for (let i = 0; i < operations; i++)
          if (observePoll(state.record, 0, rules, SHORT_MS, CPU_UNKNOWN, false, i) === 0) state.polls++;
      },
      count: ({ record, polls }) => (tierIn(record, 0) === 0 ? polls : Number.NaN),
    }),
    counted({
      name: 'observePoll(), a slow one of much CPU time',
      role: 'ours',
      note: 'each of them is a violation of three causes, and is looked at; after the third promotion, at the last tier',
      create: watched,
      run(state, operations) {
        for (let i = 0; i < operations; i++) {
          const outcome = observePoll(state.record, 0, rules, LONG_MS, LONG_MS, true, i * LONG_MS);
          if (outcome !== 0) state.polls++;
          if ((outcome & PROMOTED) !== 0) state.promotions++;
        }
      },
      count: ({ record, polls, promotions }) =>
        tierIn(record, 0) === TIER_ISOLATE && promotions === TIER_ISOLATE ? polls : Number.NaN,
    }),
    limit,
    empty,
  ],
  claims: [
    { of: GOOD, metric: NS_PER_OP, atMost: MOST_NS },
    { of: GOOD, metric: BYTES_PER_OP, atMost: 0 },
  ],
  publication: {
    source: REFERENCE,
    figures: [{ what: 'tier check', unit: 'ns', published: '5.5', of: GOOD }],
  },
};
