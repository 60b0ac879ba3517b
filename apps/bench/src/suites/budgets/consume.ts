// Units taken from a task's budget.
import { TaskBudget } from '@corelane/scheduler/budgets';
import { type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from '../counters/counted.ts';
import { REFERENCE } from './reference.ts';

const OURS = 'budget.consume()';
const MOST_NS = 3;

/** Units of a poll: as many are taken before it is reset, as a worker does it. */
const UNITS = 2000;

export const consume: BatchGroup = {
  kind: 'batch',
  name: 'consume',
  title: 'One unit taken from a budget',
  note: `The budget lies in shared memory, its thread alone writes it. After ${UNITS} units it is reset.`,
  cases: [
    counted({
      name: OURS,
      role: 'ours',
      create: () => ({ budget: TaskBudget.create({ pollBudget: UNITS }), taken: 0 }),
      run(state, operations) {
        const { budget } = state;
        for (let i = 0; i < operations; i++) {
          if (budget.consume()) state.taken++;
          if (i % UNITS === UNITS - 1) budget.reset();
        }
        budget.reset();
      },
      count: ({ taken }) => taken,
    }),
    counted({
      name: 'budget.consume(), spent',
      role: 'ours',
      create() {
        const budget = TaskBudget.create({ pollBudget: UNITS });
        budget.consume(UNITS);
        return { budget, refused: 0 };
      },
      run(state, operations) {
        const { budget } = state;
        for (let i = 0; i < operations; i++) if (!budget.consume()) state.refused++;
      },
      count: ({ budget, refused }) => (budget.remaining === 0 ? refused : Number.NaN),
    }),
    counted({
      name: 'a property counted down',
      role: 'limit',
      note: 'of an object that no other thread can read',
      create: () => ({ left: UNITS, taken: 0 }),
      run(state, operations) {
        for (let i = 0; i < operations; i++) {
          if (state.left > 0) {
            state.left--;
            state.taken++;
          }
          if (i % UNITS === UNITS - 1) state.left = UNITS;
        }
        state.left = UNITS;
      },
      count: ({ taken }) => taken,
    }),
    counted({
      name: 'Atomics.sub()',
      role: 'peer',
      note: 'what a budget costs that several threads write',
      create: () => ({ words: new Int32Array(new SharedArrayBuffer(4)), taken: 0 }),
      run(state, operations) {
        const { words } = state;
        Atomics.store(words, 0, UNITS);
        for (let i = 0; i < operations; i++) {
          if (Atomics.sub(words, 0, 1) > 0) state.taken++;
          if (i % UNITS === UNITS - 1) Atomics.store(words, 0, UNITS);
        }
      },
      count: ({ taken }) => taken,
    }),
    empty,
  ],
  claims: [
    { of: OURS, metric: NS_PER_OP, atMost: MOST_NS },
    { of: OURS, metric: BYTES_PER_OP, atMost: 0 },
  ],
  publication: {
    source: REFERENCE,
    figures: [{ what: 'consume', unit: 'ns', published: '1.6', of: OURS }],
  },
};
