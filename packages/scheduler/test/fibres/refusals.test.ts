import { ArgumentRangeError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import {
  FibreScheduler,
  join,
  sleep,
  type FibreOptions,
  type FibreSchedulerOptions,
} from '../../src/fibres/index.ts';

test.each<[string, unknown]>([
  ['policy', { policy: 'lottery' }],
  ['policy', { policy: null }],
  ['sliceMs', { sliceMs: -1 }],
  ['sliceMs', { sliceMs: '1' }],
  ['sliceMs', { sliceMs: null }],
  ['turnEveryMs', { turnEveryMs: null }],
  ['maxFibres', { maxFibres: null }],
  ['timeEvery', { timeEvery: null }],
  ['sliceMs', { policy: 'fifo', sliceMs: 1 }],
  ['turnEveryMs', { turnEveryMs: Infinity }],
  ['ageingMs', { ageingMs: 0 }],
  ['ageingMs', { policy: 'roundRobin', ageingMs: 10 }],
  ['maxFibres', { maxFibres: 0 }],
  ['maxFibres', { maxFibres: 1.5 }],
  ['switchTargetNs', { switchTargetNs: 0 }],
  ['timeEvery', { timeEvery: -1 }],
  ['onError', { onError: 'log' }],
  ['options.slicems', { slicems: 1 }],
  ['options', null],
])('a scheduler of fibres refuses %s of %j', (argument, options) => {
  const create = (): unknown => new FibreScheduler(options as FibreSchedulerOptions);
  expect(create).toThrow(ArgumentRangeError);
  expect(create).toThrow(new RegExp(`^${argument.replace('.', '\\.')} is `));
});

test.each<[string, unknown]>([
  ['name', { name: '' }],
  ['name', { name: 1 }],
  ['priority', { priority: 21 }],
  ['priority', { priority: 'urgent' }],
  ['sliceMs', { sliceMs: NaN }],
  ['deadlineMs', { deadlineMs: 1 }],
  ['signal', { signal: {} }],
  ['options.prio', { prio: 1 }],
  ['options', 1],
])('spawn refuses %s of %j, and nothing runs', (argument, options) => {
  const fibres = new FibreScheduler();
  const spawn = (): unknown => fibres.spawn(sleep(0), options as FibreOptions);
  expect(spawn).toThrow(ArgumentRangeError);
  expect(spawn).toThrow(new RegExp(`^${argument.replace('.', '\\.')} is `));
  expect(fibres.size).toBe(0);
});

test('what is no generator is refused, and what is no fibre can not be joined', async () => {
  const fibres = new FibreScheduler();
  for (const body of [undefined, null, 7, {}, (): number => 7, async (): Promise<void> => {}])
    expect(() => fibres.spawn(body as never)).toThrow(/^body is .* expected a generator/);
  expect(fibres.size).toBe(0);
  await expect(fibres.spawn(join({} as never)).join()).rejects.toThrow(/expected a fibre of spawn/);
});
