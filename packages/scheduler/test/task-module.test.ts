// Modules of tasks, and the entry for them.
import { expect, test, vi } from 'vitest';
import * as whole from '../src/index.ts';
import * as small from '../src/task-module.ts';
import { again, same } from './tasks/again.ts';
import { first, second } from './tasks/twice.ts';

test('what a module of tasks imports from it is what the package exports', () => {
  for (const [name, value] of Object.entries(small)) expect(whole).toHaveProperty(name, value);
});

test('of two functions of a module with one name none runs: the module is refused, with the name', async () => {
  await using scheduler = whole.Scheduler.create({ threads: 1 });
  for (const task of [first.same, second.same, second.other])
    await expect(scheduler.run(task)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_RANGE',
      message: expect.stringMatching(/twice\.ts#same.*no other task of its module has/) as string,
    });
});

test('a definition may be exported under several names, and its module evaluated again', async () => {
  await using scheduler = whole.Scheduler.create({ threads: 1 });
  expect(await Promise.all([scheduler.run(again.same), scheduler.run(same)])).toEqual(['same', 'same']);
  vi.resetModules();
  const later = await import('./tasks/again.ts');
  expect(later.same).not.toBe(same);
  expect(await scheduler.run(later.same)).toBe('same');
});

test('more different tasks than maxTasks are refused with an error that names the option', async () => {
  await using scheduler = whole.Scheduler.create({ threads: 1, maxTasks: 2 });
  const { a, b, c } = whole.defineTasks(import.meta.url, { a: () => 1, b: () => 2, c: () => 3 });
  void Promise.allSettled([scheduler.run(a), scheduler.run(b)]);
  await expect(scheduler.run(c)).rejects.toBeInstanceOf(whole.TooManyTasksError);
  await expect(scheduler.run(c)).rejects.toMatchObject({
    code: 'ERR_TOO_MANY_TASKS',
    task: 'c',
    maxTasks: 2,
    message: expect.stringMatching(/2 different tasks.*option maxTasks/) as string,
    cause: { code: 'ERR_NAMES_EXHAUSTED' },
  });
});
