// Whether timers and I/O go on under full load: how late timers of the submitting thread and of the workers are, and how long it takes to read
// from a file and to hear an echo from a socket, without tasks and with 1024 in flight all the time. `npm run event-loop [-- --seconds N]`
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Scheduler } from '../src/index.ts';
import { barsOf, percentilesOf } from './latencies.ts';
import { delays, recordTimers } from './tasks/delays.ts';

const { values } = parseArgs({ options: { seconds: { type: 'string' } } });
const seconds = Number(values.seconds ?? 5);
if (!(seconds > 0)) throw new RangeError(`--seconds ${values.seconds}: expected a number above 0`);

const WORKERS = 2;
const IN_FLIGHT = 1024;
const PAUSE_MS = 1;
const READ_BYTES = 4096;

const file = await open(import.meta.filename);
const server = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
await once(server, 'listening');
const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay();
await once(socket, 'connect');

const since = (startMs: number): number => Math.max(1, Math.round((performance.now() - startMs) * 1e6));

/** One after the other, until told to end. */
async function repeat(
  work: () => Promise<unknown>,
  ns: RecordableHistogram,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const start = performance.now();
    await work();
    ns.record(since(start));
    await delay(PAUSE_MS);
  }
}

const buffer = Buffer.alloc(READ_BYTES);
const read = (): Promise<unknown> => file.read(buffer, 0, READ_BYTES, 0);
const echo = (): Promise<unknown> => {
  const heard = once(socket, 'data');
  socket.write('x');
  return heard;
};

const workerTimers = createHistogram();

interface Figures {
  readonly timers: RecordableHistogram;
  readonly workerTimers: RecordableHistogram;
  readonly file: RecordableHistogram;
  readonly socket: RecordableHistogram;
}

async function observe(): Promise<Figures> {
  const figures = {
    timers: createHistogram(),
    workerTimers,
    file: createHistogram(),
    socket: createHistogram(),
  };
  workerTimers.reset();
  const endTimers = recordTimers(figures.timers);
  const controller = new AbortController();
  const ends = [
    repeat(read, figures.file, controller.signal),
    repeat(echo, figures.socket, controller.signal),
  ];
  await delay(seconds * 1000);
  controller.abort();
  await Promise.all(ends);
  endTimers();
  return figures;
}

function print(title: string, figures: Figures): void {
  console.log(`\n${title}, µs`);
  console.table(
    Object.fromEntries(
      Object.entries(figures).map(([name, ns]: [string, RecordableHistogram]) => [name, percentilesOf(ns)]),
    ),
  );
}

function draw(title: string, ns: RecordableHistogram): void {
  console.log(`\n${title}`);
  for (const bar of barsOf(ns)) console.log(bar);
}

const scheduler = Scheduler.create({ threads: WORKERS, workerData: workerTimers, preload: [delays.double] });
await scheduler.ready;
await Promise.all(Array.from({ length: WORKERS * 100 }, (_, n) => scheduler.run(delays.double, n)));
await scheduler.run(delays.startTimer);
print('Without tasks', await observe());

const load = { isOver: false, ran: 0 };
const lane = async (): Promise<void> => {
  for (let n = 0; !load.isOver; n++) {
    if ((await scheduler.run(delays.double, n)) !== 2 * n)
      throw new Error(`task ${n} returned what is not its own`);
    load.ran++;
  }
};
const lanes = Array.from({ length: IN_FLIGHT }, lane);
const loaded = await observe();
load.isOver = true;
await Promise.all(lanes);
print(
  `With ${IN_FLIGHT} tasks in flight on ${WORKERS} workers, ${Math.round(load.ran / seconds / 1000)} k tasks/s`,
  loaded,
);
draw('How late timers of the submitting thread were, under load:', loaded.timers);
draw('How late the timer of a worker was, under load:', loaded.workerTimers);

await scheduler.close();
socket.destroy();
server.close();
await file.close();
