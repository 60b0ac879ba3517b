// Functions that files export, without a word about this package in them.
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, expectTypeOf, test } from 'vitest';
import { fileTask, Scheduler, type Task } from '../src/index.ts';

const file = (name: string): URL => new URL(`tasks/files/${name}`, import.meta.url);
const scheduler = Scheduler.create({ threads: 1 });
afterAll(() => scheduler.close());

test('the default export of a file is a task, by URL and by path, typed where it is told its type', async () => {
  const twice = fileTask<typeof import('./tasks/files/esm.ts').default>(file('esm.ts'));
  const four = await scheduler.run(twice, 2);
  expectTypeOf(four).toEqualTypeOf<number>();
  expect(four).toBe(4);
  // @ts-expect-error a number is wanted
  await scheduler.run(twice, 'two');
  expect(await scheduler.run({ filename: file('esm.ts') }, 3)).toBe(6);
  expect(await scheduler.run({ filename: fileURLToPath(file('esm.ts')), name: 'default' }, 4)).toBe(8);
});

test('an export may be a promise of the function', async () => {
  expect(await scheduler.run({ filename: file('promised.ts') }, 'so')).toBe('so!');
  expect(await scheduler.run({ filename: file('esm.ts'), name: 'later' }, 1)).toBe(2);
});

test('what CommonJS exports is found: the module itself, its properties, and a default of what was ESM once', async () => {
  const run = (filename: string, name: string): Promise<unknown> =>
    scheduler.run({ filename: file(filename), name }, 5);
  expect(await run('function.cjs', 'default')).toBe(6);
  expect(await run('function.cjs', 'minus')).toBe(4);
  expect(await run('object.cjs', 'computed')).toBe(50);
  expect(await run('transpiled.cjs', 'default')).toBe(500);
  expect(await run('transpiled.cjs', 'other')).toBe(5000);
});

test('CommonJS in TypeScript that requires this package is found, whatever says that it is CommonJS', async () => {
  const source = await readFile(file('typed.cts'), 'utf8');
  const made = await mkdtemp(fileURLToPath(file('made-')));
  try {
    const files = [fileURLToPath(file('typed.cts'))];
    for (const [name, manifest] of Object.entries({ typed: { type: 'commonjs' }, untyped: {} })) {
      const folder = join(made, name);
      await mkdir(folder);
      await writeFile(join(folder, 'package.json'), JSON.stringify(manifest));
      await mkdir(join(folder, 'node_modules/@corelane'), { recursive: true });
      await symlink(
        fileURLToPath(new URL('..', import.meta.url)),
        join(folder, 'node_modules/@corelane/scheduler'),
      );
      files.push(join(folder, 'tasks.ts'));
      await writeFile(join(folder, 'tasks.ts'), source);
    }
    for (const filename of files) {
      expect(await scheduler.run({ filename, name: 'triple' }, 2)).toBe(6);
      const double = { module: pathToFileURL(filename).href, name: 'double' } as Task<number, number>;
      expect(await scheduler.run(double, 2)).toBe(4);
    }
    // Required, which is all that Node 22 and 24 can do with it.
    expect(await scheduler.run({ filename: files[0] as string, name: 'required' })).toBe(true);
    const esm = join(made, 'untyped/esm.ts');
    await writeFile(esm, 'export default (value: number) => value + 1; // unlike require(x)\nawait 0;\n');
    expect(await scheduler.run({ filename: esm }, 2)).toBe(3);
  } finally {
    await rm(made, { recursive: true });
  }
});

test('only a function that takes two is given a context', async () => {
  expect(await scheduler.run({ filename: file('esm.ts'), name: 'parameters' }, 1)).toBe(1);
  expect(await scheduler.run({ filename: file('esm.ts'), name: 'optional' }, 2)).toBe(6);
  expect(await scheduler.run({ filename: file('esm.ts'), name: 'worker' })).toBe(0);
});

test('generators are tasks there as well', async () => {
  expect(await scheduler.run({ filename: file('esm.ts'), name: 'steps' }, 100)).toBe(100);
});

test('a file or an export that is not there is named', async () => {
  await expect(scheduler.run({ filename: file('esm.ts'), name: 'text' })).rejects.toMatchObject({
    code: 'ERR_TASK_NOT_FOUND',
    message: expect.stringMatching(/esm\.ts exports .*later.*expected a function as text/) as string,
  });
  await expect(scheduler.run({ filename: file('nowhere.ts') })).rejects.toMatchObject({
    code: 'ERR_TASK_NOT_FOUND',
    message: expect.stringMatching(/nowhere\.ts cannot be imported/) as string,
  });
  await expect(scheduler.run({ filename: 'esm.ts' })).rejects.toThrow(/module is "esm.ts"/);
  expect(() => fileTask(file('esm.ts'), '')).toThrow(/name is ""/);
  expect(() => fileTask(file('esm.ts'), 'a#b')).toThrow(/name is "a#b"/);
});

test('a file that is named anew for each call takes one place among the tasks', async () => {
  await using small = Scheduler.create({ threads: 1, maxTasks: 2 });
  for (let i = 0; i < 20; i++) expect(await small.run({ filename: file('esm.ts') }, i)).toBe(2 * i);
});
