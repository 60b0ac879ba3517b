// CPU time of the calling thread.
import { ThreadClock } from '@corelane/platform';
import { cpuClock, type CpuClock } from '@corelane/scheduler/budgets';
import { NotMeasurableError } from '../../errors.ts';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { counted, empty } from '../counters/counted.ts';
import { REFERENCE } from './reference.ts';

const OURS = 'cpuClock().nowMs()';

interface Reads {
  readonly clock: CpuClock;
  reads: number;
  lastMs: number;
}

function ours(name: string, note: string, open: () => CpuClock): BatchCase {
  return counted<Reads>({
    name,
    role: 'ours',
    note,
    create: () => ({ clock: open(), reads: 0, lastMs: 0 }),
    run(state, operations) {
      for (let i = 0; i < operations; i++) {
        const nowMs = state.clock.nowMs();
        if (nowMs >= state.lastMs) state.reads++;
        state.lastMs = nowMs;
      }
    },
    count: ({ reads }) => reads,
  });
}

export const clocks: BatchGroup = {
  kind: 'batch',
  name: 'cpu-clock',
  title: 'CPU time of the calling thread, read once',
  note: 'Too much for each poll: it is read at checks and slow polls.',
  cases: [
    ours(OURS, 'process.threadCpuUsage', () => {
      const clock = cpuClock();
      if (clock.reason !== undefined) throw new NotMeasurableError(clock.reason);
      return clock;
    }),
    ours('ThreadClock of platform', 'the system call, by way of the addon: it satisfies the port', () => {
      const answer = ThreadClock.open();
      if (answer.status === 'verified') return answer.value;
      throw new NotMeasurableError(answer.reason);
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
