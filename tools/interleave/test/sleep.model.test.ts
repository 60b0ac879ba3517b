import { expect, test } from 'vitest';
import { explore, killsMutants, peek, type Scenario } from '../src/index.ts';
import * as sleep from './kernel/sleep.ts';

const JOBS = 0;

function scenario({ post, work }: typeof sleep, workers: number, timeoutUs = -1): Scenario {
  const worker = () => work(0, timeoutUs);
  const poster = () => {
    for (let i = 0; i < workers; i++) post(0);
  };
  return {
    name: `${workers} sleeping workers`,
    bytes: 16,
    names: { 0: 'jobs', 4: 'sleepers', 8: 'sequence' },
    threads: [...Array.from({ length: workers }, () => worker), poster],
    check: () => (peek(JOBS) === 0 ? undefined : `${peek(JOBS)} jobs left`),
  };
}

test.each([1, 2])('no wake-up is lost with %i workers', (workers) => {
  const { complete, states } = explore(scenario(sleep, workers));
  expect(complete).toBe(true);
  expect(states).toBeGreaterThan(30);
});

test('a worker that sleeps with a time-out searches for ever, and that is a loop that ends', () => {
  const looping = scenario(sleep, 1, 1000);
  expect(() => explore({ ...looping, maxSteps: 40 })).toThrow(/truncated/);
  expect(explore({ ...looping, spinAfter: 3 }).complete).toBe(true);
});

test('protocols that lose a wake-up die', () => {
  killsMutants<typeof sleep>({
    kernel: new URL('./kernel/sleep.ts', import.meta.url),
    scenarios: [(kernel) => scenario(kernel, 1), (kernel) => scenario(kernel, 2)],
    mutants: [
      {
        name: 'sleeps without looking for work again',
        find: 'if (load(at) == 0) wait(',
        replace: 'wait(',
        expect: 'deadlock',
      },
      {
        name: 'samples the sequence after looking for work',
        find: `const sequence = load(at + 8);
    add(at + 4, 1);
    if (load(at) == 0) wait(at + 8, sequence, timeoutUs);`,
        replace: `add(at + 4, 1);
    if (load(at) == 0) wait(at + 8, load(at + 8), timeoutUs);`,
        expect: 'deadlock',
      },
      {
        name: 'announces the sleeper after looking for work',
        find: `add(at + 4, 1);
    if (load(at) == 0) wait(at + 8, sequence, timeoutUs);`,
        replace: `if (load(at) == 0) {
      add(at + 4, 1);
      wait(at + 8, sequence, timeoutUs);
    } else add(at + 4, 1);`,
        expect: 'deadlock',
      },
      {
        name: 'posts without advancing the sequence',
        find: 'add(at + 8, 1);',
        replace: '',
        expect: 'deadlock',
      },
      { name: 'posts without a notify', find: 'notify(at + 8, -1);', replace: '', expect: 'deadlock' },
      {
        name: 'looks for sleepers before the job is there',
        find: `add(at, 1);
  if (load(at + 4) > 0) {`,
        replace: `const sleepers = load(at + 4);
  add(at, 1);
  if (sleepers > 0) {`,
        expect: 'deadlock',
      },
    ],
  });
});
