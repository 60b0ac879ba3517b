// Where threads run, and how nice they are; what was not to be had is said.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { getPriority } from 'node:os';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ThreadBuilder, ThreadPlacementError, type ThreadOptions } from '../../src/thread/index.ts';
import { threads } from '../tasks/threads.ts';

vi.setConfig({ testTimeout: 30_000 });

const platform = new URL('../tasks/platform.ts', import.meta.url);
const warnings: string[] = [];
const note = (warning: Error): unknown => warnings.push(String(warning));
beforeAll(() => void process.on('warning', note));
afterAll(() => void process.off('warning', note));

test.runIf(process.platform === 'linux')(
  'a thread is as nice as was asked for, and others are not',
  async () => {
    const before = getPriority();
    const nice = Math.min(19, before + 5);
    const handle = new ThreadBuilder({ nice }).spawn(threads.nice);
    expect(await handle.started).toEqual([{ option: 'nice', status: 'done', value: nice }]);
    expect(await handle.join()).toBe(nice);
    expect(getPriority()).toBe(before);
  },
);

describe('CPUs are those', () => {
  test.each<[string, ThreadOptions, number[]]>([
    ['asked for', { cpus: [1, 4] }, [1, 4]],
    ['of the node', { node: 0 }, [0, 1, 2, 3]],
    ['asked for, of the node', { node: 1, cpus: [2, 4, 5] }, [4, 5]],
    ['of the node on which it begins', { cpus: [3, 4, 5, 6], migration: 'node' }, [4, 5, 6]],
    ['of the node of the first one, where it begins elsewhere', { cpus: [2, 4], migration: 'node' }, [2]],
    ['one, on which it begins', { migration: 'never' }, [5]],
    ['one of those asked for', { cpus: [2, 3], migration: 'never' }, [2]],
    ['of the node, one of them', { node: 0, migration: 'never' }, [0]],
  ])('%s', async (_, options, cpus) => {
    const handle = new ThreadBuilder({ platform, ...options }).spawn(threads.double, 1);
    expect(await handle.started).toEqual([{ option: 'affinity', status: 'done', value: cpus }]);
    await handle.join();
  });
});

test.each<[string, ThreadOptions, RegExp]>([
  ['a CPU that is not to be had', { cpus: [7] }, /CPU 7 is not to be had/],
  ['a node that is not there', { node: 2 }, /node 2: there is none/],
  ['CPUs of another node', { node: 0, cpus: [4] }, /node 0 has CPUs 0, 1, 2, 3, and none of those/],
])('%s is a warning, or the end of a strict thread before its function runs', async (_, options, reason) => {
  const lenient = new ThreadBuilder({ platform, name: 'lenient', ...options }).spawn(threads.double, 2);
  expect(await lenient.started).toEqual([
    { option: 'affinity', status: 'refused', reason: expect.stringMatching(reason) as string },
  ]);
  expect(await lenient.join()).toBe(4);
  await expect.poll(() => warnings.join('\n')).toMatch(reason);
  const strict = new ThreadBuilder({ platform, strict: true, ...options }).spawn(threads.exit, 3);
  const error = await strict.join().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ThreadPlacementError);
  expect((error as ThreadPlacementError).message).toMatch(reason);
});

test('a module that is no platform is an error of the thread that says what is missing', async () => {
  const wrong = new ThreadBuilder({ platform: new URL('../tasks/basic.ts', import.meta.url), cpus: [0] });
  await expect(wrong.spawn(threads.double, 1).join()).rejects.toThrow(/exports no function affinity/);
});

test('a builder is as it was made: with makes another one', () => {
  const options = { name: 'a', nice: 1 };
  const one = new ThreadBuilder(options);
  options.name = 'changed';
  const other = one.with({ nice: 2 });
  expect(one.options).toEqual({ name: 'a', nice: 1 });
  expect(other.options).toEqual({ name: 'a', nice: 2 });
  expect(() => Object.assign(one.options, { nice: 3 })).toThrow(TypeError);
});

test.each<[string, unknown]>([
  ['name', { name: '' }],
  ['name', { name: 7 }],
  ['nice', { nice: 20 }],
  ['nice', { nice: 1.5 }],
  ['stackSizeMb', { stackSizeMb: 0 }],
  ['stackSizeMb', { stackSizeMb: 1000 }],
  ['resourceLimits.stackSizeMb', { resourceLimits: { stackSizeMb: 4 } }],
  ['resourceLimits', { resourceLimits: 4 }],
  ['cpus', { cpus: [], platform }],
  ['cpus', { cpus: [-1], platform }],
  ['cpus', { cpus: '0-3', platform }],
  ['cpus', { cpus: [0] }],
  ['node', { node: 0 }],
  ['node', { node: -1, platform }],
  ['migration', { migration: 'node' }],
  ['migration', { migration: 'sometimes', platform }],
  ['module', { platform: 'relative.js' }],
  ['strict', { strict: 1 }],
  ['graceMs', { graceMs: -1 }],
  ['profile', { profile: 'file' }],
  ['profile.intervalUs', { profile: { file: '/tmp/x', intervalUs: 1 } }],
  ['profile.path', { profile: { path: '/tmp/x' } }],
  ['module', { profile: { file: 'x' } }],
  ['scheduler', { scheduler: {} }],
  ['argv', { argv: 'x' }],
  ['env', { env: 'x' }],
  ['stdout', { stdout: 1 }],
  ['options.stackSize', { stackSize: 4 }],
  ['options', null],
])('a builder refuses %s of %j', (argument, options) => {
  const create = (): unknown => new ThreadBuilder(options as ThreadOptions);
  expect(create).toThrow(ArgumentRangeError);
  expect(create).toThrow(new RegExp(`^${argument.replace('.', '\\.')} is `));
});

test('spawn refuses what is no task, and options that mean nothing, and starts no thread', () => {
  const builder = new ThreadBuilder();
  for (const task of [{}, null, undefined, 5, 'task', { module: 'file:///x.js' }])
    expect(() => builder.spawn(task as never)).toThrow(/^task is /);
  expect(() => builder.spawn(threads.double, 1, { signal: {} as never })).toThrow(/^signal is /);
  expect(() => builder.spawn(threads.double, 1, { transferList: {} as never })).toThrow(/^transferList is /);
  expect(() => builder.spawn(threads.double, 1, { timeoutMs: 1 } as never)).toThrow(
    /^options\.timeoutMs is /,
  );
});
