// Random operations with kills for as long as you like:
//   npm run soak -- [--seconds 60] [--seed 1] [--threads 2] [--engine fs]
import { parseArgs } from 'node:util';
import { soak } from './soak.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    engine: { type: 'string', default: 'auto' },
  },
});
const options = {
  seconds: Number(values.seconds),
  seed: Number(values.seed),
  threads: Number(values.threads),
  engine: values.engine === 'fs' ? ('fs' as const) : ('auto' as const),
};
const { operations, kills } = await soak(options);
console.log(
  `${operations} operations on ${options.threads} threads, which were killed ${kills} times: all as it must be`,
);
