// What it costs to pass what does not go by shared memory alone, beside a hand-written message port: one task at a time, medians in microseconds.
//   npm run link-costs
import { once } from 'node:events';
import { MessageChannel, type Transferable, Worker } from 'node:worker_threads';
import { move, Scheduler } from '../src/index.ts';
import { links } from './tasks/links.ts';

const WARM_UP = 30;
const ROUNDS = 300;
const ECHO = `require('node:worker_threads').parentPort.on('message', function (value) { this.postMessage(value.byteLength ?? 1); })`;

interface Case {
  readonly name: string;
  readonly run: () => Promise<unknown>;
  readonly byHand: () => Promise<unknown>;
}

await using scheduler = Scheduler.create({ threads: 1 });
await scheduler.ready;
const worker = new Worker(ECHO, { eval: true });

async function post(value: unknown, transfers: readonly Transferable[] = []): Promise<void> {
  worker.postMessage(value, transfers);
  await once(worker, 'message');
}

async function withPort(use: (port: MessageChannel['port2']) => Promise<unknown>): Promise<void> {
  const { port1, port2 } = new MessageChannel();
  await use(port2);
  port1.close();
}

const shared = new Uint8Array(new SharedArrayBuffer(64));
const cases: readonly Case[] = [
  { name: 'number', run: () => scheduler.run(links.len, 1), byHand: () => post(1) },
  {
    name: 'message port',
    run: () => withPort((port) => scheduler.run(links.len, port, { transferList: [port] })),
    byHand: () => withPort((port) => post(port, [port])),
  },
  { name: 'the same shared memory', run: () => scheduler.run(links.len, shared), byHand: () => post(shared) },
  {
    name: 'other shared memory',
    run: () => scheduler.run(links.len, new Uint8Array(new SharedArrayBuffer(64))),
    byHand: () => post(new Uint8Array(new SharedArrayBuffer(64))),
  },
  ...[12, 16, 18, 20, 22].map((log2) => ({
    name: `${2 ** (log2 - 10)} KiB, moved`,
    run: () => scheduler.run(links.len, move(new ArrayBuffer(2 ** log2))),
    byHand: () => {
      const buffer = new ArrayBuffer(2 ** log2);
      return post(buffer, [buffer]);
    },
  })),
];

function median(times: number[]): number {
  return times.toSorted((a, b) => a - b)[times.length >> 1] as number;
}

async function timed(call: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await call();
  return (performance.now() - startMs) * 1000;
}

console.log('| arguments | scheduler, µs | by hand, µs | ratio |\n| --- | --- | --- | --- |');
for (const { name, run, byHand } of cases) {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    const [a, b] = [await timed(run), await timed(byHand)];
    if (round < 0) continue;
    ours.push(a);
    theirs.push(b);
  }
  const [a, b] = [median(ours), median(theirs)];
  console.log(`| ${name} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(a / b).toFixed(1)} |`);
}
await worker.terminate();
