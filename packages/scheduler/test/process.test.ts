// What a scheduler means for the process around it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
let folder = '';
// Within the package, so that it finds itself by name; not in node_modules, where Node strips no types.
beforeAll(() => {
  mkdirSync(join(root, 'build'), { recursive: true });
  folder = mkdtempSync(join(root, 'build/process-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function runProgram(name: string, source: string): { status: number | null; stdout: string; stderr: string } {
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, source);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning', file],
    { encoding: 'utf8', timeout: 20_000 },
  );
  return { status, stdout, stderr };
}

const HEAD = `
  import { isMainThread } from 'node:worker_threads';
  import { defineTasks, Scheduler } from '@corelane/scheduler';
  export const tasks = defineTasks(import.meta.url, {
    async later(ms: number) { await new Promise((resolve) => setTimeout(resolve, ms)); return 'done'; },
    speak(text: string) { for (let i = 0; i < 3; i++) console.log(text, i); process.nextTick(() => console.log('tick')); },
    rejectLater() { void Promise.reject(new Error('nobody handles this')); },
  });
`;

test('an idle scheduler does not keep the process alive; a task in flight does', () => {
  const { status, stdout } = runProgram(
    'alive',
    `${HEAD}
    if (isMainThread) {
      const scheduler = Scheduler.create({ threads: 2 });
      void scheduler.run(tasks.later, 150).then((result) => console.log(result));
      process.on('exit', () => console.log('exit'));
    }`,
  );
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'done\nexit\n' });
});

test('what a task prints and leaves for the next tick comes out while its worker is idle', () => {
  const { stdout } = runProgram(
    'speak',
    `${HEAD}
    if (isMainThread) {
      const scheduler = Scheduler.create({ threads: 1 });
      await scheduler.run(tasks.speak, 'hello');
      setTimeout(() => void scheduler.destroy(), 500);
    }`,
  );
  expect(stdout).toBe('hello 0\nhello 1\nhello 2\ntick\n');
});

test('a rejection that a task leaves behind ends its worker, and the owner is told', () => {
  const { stdout } = runProgram(
    'reject',
    `${HEAD}
    if (isMainThread) {
      const scheduler = Scheduler.create({ threads: 1 });
      scheduler.on('error', (error) => {
        console.log(error.code, error.cause instanceof Error ? error.cause.message : '');
        void scheduler.destroy();
      });
      const keep = setTimeout(() => {}, 10_000);
      await scheduler.run(tasks.rejectLater);
      scheduler.on('workerDestroy', () => clearTimeout(keep));
    }`,
  );
  expect(stdout).toBe('ERR_WORKER_LOST nobody handles this\n');
});
