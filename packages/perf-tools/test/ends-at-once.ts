// Whether Node survives that a thread ends in the very moment in which a recording does: prints how often the process aborted. `npm run ends-at-once -- 200`;
// no test, for it takes minutes. Scenarios run in processes of their own, one after the other; after an abort the next process goes on.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { InspectedThread } from '../src/profiles/inspected-thread.ts';
import { startProfile } from '../src/profiles/index.ts';

type Scenario = (times: number, from: number) => Promise<void>;
interface Job {
  readonly how: string;
  readonly target: number;
  readonly spinUs: number;
}

/** Moments around the end of a recording: all of a millisecond, in steps that no period is a multiple of. */
const spinUsOf = (i: number): number => (i * 37) % 1000;

function spin(us: number): void {
  const endMs = performance.now() + us / 1000;
  while (performance.now() < endMs);
}

function start(job: Job): Worker {
  return new Worker(new URL(import.meta.url), { workerData: job });
}

const idle = (): Worker => new Worker('setInterval(() => {}, 1e6)', { eval: true });

async function repeated(
  times: number,
  from: number,
  one: (spinUs: number) => Promise<unknown>,
): Promise<void> {
  for (let i = from; i < from + times; i++) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await one(spinUsOf(i));
    process.stdout.write('.');
  }
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a worker records the main thread, and exits': (times, from) =>
    repeated(times, from, (spinUs) => once(start({ how: 'exit', target: 0, spinUs }), 'exit')),
  'a worker records the main thread, and has no more to do': (times, from) =>
    repeated(times, from, (spinUs) => once(start({ how: 'natural', target: 0, spinUs }), 'exit')),
  'a worker that records the main thread is terminated': (times, from) =>
    repeated(times, from, async (spinUs) => {
      const worker = start({ how: 'wait', target: 0, spinUs: 0 });
      await once(worker, 'message');
      spin(spinUs);
      await worker.terminate();
    }),
  'a worker records another one, and exits': async (times, from) => {
    const other = idle();
    await once(other, 'online');
    await repeated(times, from, (spinUs) =>
      once(start({ how: 'exit', target: other.threadId, spinUs }), 'exit'),
    );
    await other.terminate();
  },
  'a worker records another one, which is terminated': (times, from) =>
    repeated(times, from, async (spinUs) => {
      const other = idle();
      await once(other, 'online');
      const worker = start({ how: 'wait', target: other.threadId, spinUs: 0 });
      await once(worker, 'message');
      spin(spinUs);
      await Promise.all([other.terminate(), worker.terminate()]);
    }),
  'the main thread records a worker, which is terminated': (times, from) =>
    repeated(times, from, async (spinUs) => {
      const worker = idle();
      const recording = await startProfile(worker);
      const stopped = recording.stop().catch(() => undefined);
      if (spinUs > 500) await new Promise(setImmediate);
      spin(spinUs % 500);
      await Promise.all([worker.terminate(), stopped]);
    }),
  'the process exits while a worker records its main thread': (times, from) =>
    repeated(times, from, (spinUs) => {
      const { signal } = spawnSync(process.execPath, [
        ...process.execArgv,
        fileURLToPath(import.meta.url),
        'exits',
        String(spinUs),
      ]);
      if (signal !== null) process.kill(process.pid, signal);
      return Promise.resolve();
    }),
};

async function exits(spinUs: number): Promise<void> {
  await once(start({ how: 'wait', target: 0, spinUs: 0 }), 'message');
  spin(spinUs);
  process.exit();
}

async function inWorker({ how, target, spinUs }: Job): Promise<void> {
  const thread = await InspectedThread.open(target, undefined, 10_000);
  await thread.post('Profiler.enable', {}, 10_000);
  await thread.post('Profiler.start', {}, 10_000);
  await thread.post('Profiler.stop', {}, 10_000);
  if (how === 'wait') parentPort?.postMessage('ends');
  const closed = thread.close();
  if (how !== 'wait') await closed;
  if (how === 'exit') {
    spin(spinUs);
    process.exit();
  }

  if (how === 'wait') setInterval(() => undefined, 1e6);
}

function count(times: number): void {
  console.log(`Node ${process.version}: aborts of ${times}`);
  for (const name of Object.keys(SCENARIOS)) {
    let done = 0;
    let aborts = 0;
    while (done < times) {
      const left = [name, String(times - done), String(done)];
      const { stdout, stderr, signal, status } = spawnSync(
        process.execPath,
        [...process.execArgv, fileURLToPath(import.meta.url), ...left],
        { encoding: 'utf8' },
      );
      done += stdout.length;
      if (signal === 'SIGABRT') {
        aborts += 1;
        done += 1;
      } else if (status !== 0 || stdout.length === 0)
        throw new Error(`${name}: ${signal ?? status} ${stderr}`);
    }
    console.log(`${String(aborts).padStart(6)}  ${name}`);
    if (aborts > 0) process.exitCode = 1;
  }
}

const [first = '100', times, from] = process.argv.slice(2);
if (!isMainThread) await inWorker(workerData as Job);
else if (first === 'exits') await exits(Number(times));
else if (times === undefined) count(Number(first));
else await SCENARIOS[first]?.(Number(times), Number(from));
