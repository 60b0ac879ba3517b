// What ends while a worker is parked: the worker, its parent, its parker, the process. Every park here lasts far longer than the test may.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { type ParkTicket, park, parkAsync, parkState, resume } from '../src/experimental.ts';
import { native } from './native-mode.ts';
import { EXEC_ARGV, LONG_MS, ParkedWorker, Parker, turn, value } from './parked-worker.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const long = { timeoutMs: LONG_MS, requestTimeoutMs: 10_000 };

describe.runIf(native)('terminate() ends', () => {
  test.each(['spin', 'wasm', 'wait', 'idle', 'litter'] as const)(
    'a worker parked at its work, which is to %s',
    async (work) => {
      await using worker = await ParkedWorker.start(work);
      value(park(worker.ticket, long));
      expect(await worker.worker.terminate()).toBe(1);
      expect(park(worker.ticket)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    },
  );

  test('a worker that is running while another is parked', async () => {
    await using parked = await ParkedWorker.start('spin');
    await using running = await ParkedWorker.start('spin');
    value(park(parked.ticket, long));
    expect(await running.worker.terminate()).toBe(1);
    expect(value(parkState(parked.ticket)).phase).toBe('parked');
  });

  test('a parked worker whose own worker is parked, too', async () => {
    await using parent = await ParkedWorker.start('parent');
    const child = (await parent.next()) as ParkTicket;
    value(park(child, long));
    value(park(parent.ticket, long));
    expect(await parent.worker.terminate()).toBe(1);
    expect(park(child)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });

  test('a parker that waits for a worker in the kernel, and its request with it', async () => {
    await using stuck = await ParkedWorker.start('read');
    await stuck.sleeps();
    const parker = await Parker.start(stuck.ticket, long);
    parker.go();
    while (value(parkState(stuck.ticket)).phase !== 'requested') await turn();
    expect(await parker.worker.terminate()).toBe(1);
    expect(value(parkState(stuck.ticket))).toMatchObject({ phase: 'running', ended: 'withdrawn' });
    stuck.release();
    await stuck.moves(1000);
  });

  test('a parker, and the worker it parked still resumes by itself', async () => {
    await using worker = await ParkedWorker.start('spin');
    const parker = await Parker.start(worker.ticket, { timeoutMs: 50 });
    parker.go();
    const parked = value(await parker.answer());
    await parker.worker.terminate();
    await worker.moves();
    expect(value(resume(parked))).toMatchObject({ wasParked: false, ended: 'timed-out' });
  });
});

describe.runIf(native)('a worker that ends by itself', () => {
  test('answers the request that it did not live to meet', async () => {
    await using worker = await ParkedWorker.start('leave');
    const exit = once(worker.worker, 'exit');
    worker.say('leave');
    const answer = await parkAsync(worker.ticket, long);
    if (answer.status === 'refused') expect(answer.errno).toBe('ESRCH');
    else value(resume(value(answer))); // it was parked on its way out
    await exit;
    expect(resume(worker.ticket)).toMatchObject({ status: 'refused', errno: 'ESRCH' });
  });

  test('may throw right after a park', async () => {
    await using worker = await ParkedWorker.start('throw');
    const thrown = once(worker.worker, 'error');
    const parked = value(park(worker.ticket, long));
    Atomics.store(worker.words, 1, 1);
    value(resume(parked));
    expect(await thrown).toMatchObject([{ message: 'thrown on purpose' }]);
  });
});

/** A process that starts a worker, parks it, and then ends in some way. */
const script = (end: string): string => `
  import { ParkedWorker, value } from ${JSON.stringify(new URL('parked-worker.ts', import.meta.url).href)};
  import { park } from ${JSON.stringify(new URL('../src/experimental.ts', import.meta.url).href)};
  const worker = await ParkedWorker.start('spin');
  const answer = park(worker.ticket, { timeoutMs: ${LONG_MS}, requestTimeoutMs: 10_000 });
  console.log(answer.status);
  ${end};
`;

describe.runIf(native)('the process ends while a worker is parked', () => {
  test.each([
    ['by process.exit()', 'process.exit(7)', 7],
    ['by an error that nobody catches', 'setImmediate(() => { throw new Error("on purpose") })', 1],
    ['by itself', 'worker.worker.unref()', 0],
    ['by a signal', 'process.kill(process.pid, "SIGTERM")', null],
  ])('%s', async (_, end, code) => {
    const child = spawn(
      process.execPath,
      [...EXEC_ARGV, '--input-type=module-typescript', '-e', script(end)],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
        cwd: fileURLToPath(new URL('.', import.meta.url)),
      },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const [found] = (await once(child, 'exit')) as [number | null];
    expect(out).toBe('verified\n');
    expect(found).toBe(code);
  });
});
