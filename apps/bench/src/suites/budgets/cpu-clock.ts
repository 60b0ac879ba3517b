// CPU time of the calling thread.
import { cpuClock } from '@corelane/scheduler/budgets';
import { NotMeasurableError } from '../../errors.ts';
import type { BatchGroup } from '../../suite.ts';
import { counted, empty } from '../counters/counted.ts';
import { REFERENCE } from './reference.ts';

const OURS = 'cpuClock().nowMs()';

export const clocks: BatchGroup = {
  kind: 'batch',
  name: 'cpu-clock',
  title: 'CPU time of the calling thread, read once',
  note: 'Too much for each poll: it is read at checks and slow polls.',
  cases: [
    counted({
      name: OURS,
      role: 'ours',
      create() {
        const clock = cpuClock();
        if (clock.reason !== undefined) throw new NotMeasurableError(clock.reason);
        return { clock, reads: 0, lastMs: 0 };
      },
      run(state, operations) {
        for (let i = 0; i < operations; i++) {
          const nowMs = state.clock.nowMs();
          if (nowMs >= state.lastMs) state.reads++;
          state.lastMs = nowMs;
        }
      },
      count: ({ reads }) => reads,
    }),
    counted({
      name: 'process.cpuUsage()',
      role: 'peer',
      note: 'of all threads of the process',
      create: () => ({ reads: 0, last: 0 }),
      run(state, operations) {
        for (let i = 0; i < operations; i++) {
          const { user, system } = process.cpuUsage();
          if (user + system >= state.last) state.reads++;
          state.last = user + system;
        }
      },
      count: ({ reads }) => reads,
    }),
    counted({
      name: 'performance.now()',
      role: 'limit',
      note: 'time that goes by, of nobody',
      create: () => ({ reads: 0, lastMs: 0 }),
      run(state, operations) {
        for (let i = 0; i < operations; i++) {
          const nowMs = performance.now();
          if (nowMs >= state.lastMs) state.reads++;
          state.lastMs = nowMs;
        }
      },
      count: ({ reads }) => reads,
    }),
    empty,
  ],
  publication: {
    source: REFERENCE,
    figures: [{ what: 'CPU clock, about', unit: 'ns', published: '30', of: OURS }],
  },
};
