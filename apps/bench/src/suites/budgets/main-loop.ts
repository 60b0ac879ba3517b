// What a function on the event loop pays to know whether it is time to make way.
import { scheduler as nodeScheduler } from 'node:timers/promises';
import { LoopBudgets } from '@corelane/scheduler/budgets';
import { type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from '../counters/counted.ts';

const CHECK = 'budget.isSpent';
const CONSUME = 'budget.consume(), budget.isSpent';
const AWAIT = 'await budget.yieldIfSpent(), nothing spent';
const MOST_CHECK_NS = 5;

/** Of a function that makes way by hand. */
const SLICE_MS = 5;

interface Checks {
  readonly budgets: LoopBudgets;
  checks: number;
}

const create = (): Checks => ({ budgets: new LoopBudgets(), checks: 0 });

export const mainLoop: BatchGroup = {
  kind: 'batch',
  name: 'main-loop',
  title: 'Whether it is time to make way, asked in a loop on the event loop',
  note: 'Within one call of withBudget a batch; no units are left only where units are taken, and then the function makes way.',
  cases: [
    counted({
      name: CHECK,
      role: 'ours',
      create,
      run: (state, operations) =>
        state.budgets.run(
          async (budget) => {
            for (let i = 0; i < operations; i++) {
              if (budget.isSpent) await budget.yieldIfSpent();
              state.checks++;
            }
          },
          { name: 'check' },
        ),
      count: ({ checks }) => checks,
    }),
    counted({
      name: CONSUME,
      role: 'ours',
      note: 'makes way, and has a new poll begin, after 2000 units or fewer: that is in it',
      create,
      run: (state, operations) =>
        state.budgets.run(
          async (budget) => {
            for (let i = 0; i < operations; i++) {
              budget.consume();
              if (budget.isSpent) await budget.yieldIfSpent();
              state.checks++;
            }
          },
          { name: 'consume' },
        ),
      count: ({ checks }) => checks,
    }),
    counted({
      name: AWAIT,
      role: 'ours',
      note: 'looks at the clock as well; makes way when its slice of time is over',
      create,
      run: (state, operations) =>
        state.budgets.run(
          async (budget) => {
            for (let i = 0; i < operations; i++) {
              await budget.yieldIfSpent();
              state.checks++;
            }
          },
          { name: 'await' },
        ),
      count: ({ checks }) => checks,
    }),
    counted({
      name: 'performance.now() by hand',
      role: 'peer',
      note: `makes way by setImmediate after ${SLICE_MS} ms`,
      create: () => ({ checks: 0 }),
      async run(state, operations) {
        let startMs = performance.now();
        for (let i = 0; i < operations; i++) {
          if (performance.now() - startMs >= SLICE_MS) {
            await new Promise((resolve) => setImmediate(resolve));
            startMs = performance.now();
          }
          state.checks++;
        }
      },
      count: ({ checks }) => checks,
    }),
    counted({
      name: 'await scheduler.yield()',
      role: 'peer',
      against: AWAIT,
      note: 'of node:timers/promises: makes way each time',
      create: () => ({ checks: 0 }),
      async run(state, operations) {
        for (let i = 0; i < operations; i++) {
          await nodeScheduler.yield();
          state.checks++;
        }
      },
      count: ({ checks }) => checks,
    }),
    empty,
  ],
  claims: [
    { of: CHECK, metric: NS_PER_OP, atMost: MOST_CHECK_NS },
    { of: CHECK, metric: BYTES_PER_OP, atMost: 0 },
  ],
};
