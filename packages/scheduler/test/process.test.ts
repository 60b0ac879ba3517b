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

test.each([false, true])(
  'an idle scheduler with a watchdog (a thread of its own: %s) does not keep the process alive',
  (thread) => {
    const { status, stdout, stderr } = runProgram(
      `watched-${thread}`,
      `${HEAD}
    if (isMainThread) {
      const scheduler = Scheduler.create({ threads: 1, watchdog: { thread: ${thread} } });
      console.log(await scheduler.run(tasks.later, 1));
    }`,
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'done\n', stderr: '' });
  },
);

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

test('a process that awaits ready learns that no worker can be started: it is kept alive until then, and warned once of the cause', () => {
  const { status, stdout, stderr } = runProgram(
    'ready',
    `${HEAD}
    if (isMainThread) {
      const scheduler = Scheduler.create({ threads: 2, preload: ['file:///nowhere/tasks.mjs'] });
      try { await scheduler.ready; } catch (error) { console.log(error.code); }
    }`,
  );
  expect({ status, stdout }).toEqual({ status: 0, stdout: 'ERR_WORKER_START\n' });
  expect(stderr.match(/worker \d ended with code 1 before it was ready: /g)).toHaveLength(1);
  expect(stderr.match(/WorkerStartError: /g)).toHaveLength(1);
});

const POOL = `
  import { isMainThread } from 'node:worker_threads';
  import Piscina from '@corelane/scheduler/piscina';
  export const sum = ({ a, b }: { a: number; b: number }) => a + b;
  export const exit = (code: number) => process.exit(code);
  export const never = () => new Promise(() => {});
  const filename = import.meta.filename;
  const show = (promise: Promise<unknown>) => promise.then(console.log, (error: Error) => console.log(error.message));
  const add = (pool: Piscina) => show(pool.run({ a: 1, b: 2 }, { name: 'sum' }));
`;

test.each([
  ['there is no worker yet', '{ minThreads: 0 }', 'await add(pool);', '3\n'],
  [
    'the last worker is ended by an abort',
    '{ minThreads: 1, maxThreads: 1 }',
    `const controller = new AbortController();
      const running = show(pool.run(0, { name: 'never', signal: controller.signal }));
      const queued = add(pool);
      setTimeout(() => controller.abort(), 100);
      await running; await queued; await add(pool);`,
    'The task has been aborted\n3\n3\n',
  ],
  [
    'the last worker has ended by itself',
    '{ minThreads: 1, maxThreads: 1 }',
    `await show(pool.run(3, { name: 'exit' })); await add(pool);
      const exits = show(pool.run(4, { name: 'exit' })); const queued = add(pool); await exits; await queued;`,
    'worker exited with code: 3\n3\nworker exited with code: 4\n3\n',
  ],
  [
    'the last worker was idle too long',
    '{ minThreads: 0, maxThreads: 1, idleTimeout: 1 }',
    `await add(pool); while (pool.threads.length > 0) await new Promise((then) => setTimeout(then, 10));
      await add(pool);`,
    '3\n3\n',
  ],
  [
    'it has been closed',
    '{ minThreads: 1 }',
    'await add(pool); await pool.close(); await add(pool);',
    '3\n3\n',
  ],
])(
  'a pool of piscina keeps the process alive while a task waits for a worker: %s',
  (_, options, steps, expected) => {
    const { status, stdout } = runProgram(
      'pool',
      `${POOL}
    if (isMainThread) {
      const pool = new Piscina({ filename, ...${options} });
      ${steps}
    }`,
    );
    expect({ status, stdout }).toEqual({ status: 0, stdout: expected });
  },
);
