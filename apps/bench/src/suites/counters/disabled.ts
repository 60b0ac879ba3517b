import { type BatchGroup, BYTES_PER_OP, NS_PER_OP } from '../../suite.ts';
import { counted, empty } from './counted.ts';
import { disabledCounter, disabledHistogram } from './registries.ts';

const INC = 'disabled counter.inc()';
const RECORD = 'disabled histogram.record(v)';

export const disabled: BatchGroup = {
  kind: 'batch',
  name: 'disabled',
  title: 'A registry that is switched off',
  cases: [
    counted({
      name: INC,
      role: 'ours',
      create: () => ({ counter: disabledCounter(), done: 0 }),
      run(subject, operations) {
        const { counter } = subject;
        for (let i = 0; i < operations; i++) counter.inc();
        subject.done += operations;
      },
      count: ({ counter, done }) => (counter.total() === 0 ? done : -1),
    }),
    counted({
      name: RECORD,
      role: 'ours',
      create: () => ({ histogram: disabledHistogram(), done: 0 }),
      run(subject, operations) {
        const { histogram } = subject;
        for (let i = 0; i < operations; i++) histogram.record(i);
        subject.done += operations;
      },
      count: ({ histogram, done }) => (histogram.distribution().count === 0 ? done : -1),
    }),
    empty,
  ],
  claims: [INC, RECORD].flatMap((of) => [
    { of, metric: NS_PER_OP, atMost: 0.5 },
    { of, metric: BYTES_PER_OP, atMost: 0 },
  ]),
};
