// An HTTP worker thread: attaches everything that the threads share, listens, and drains when it is told to.
import { parentPort, workerData } from 'node:worker_threads';
import { StateMachine } from '@corelane/atomic-state';
import { BufferPool } from '@corelane/buffer-pool';
import { MemoryTracker } from '@corelane/memory-tracker';
import { Registry } from '@corelane/perf-counters';
import { Scheduler } from '@corelane/scheduler';
import { Arena } from '@corelane/shared-memory';
import { Books } from './gateway/books.ts';
import { Delivery } from './gateway/delivery.ts';
import { Endpoints } from './gateway/endpoints.ts';
import type { Transition } from './gateway/guard.ts';
import { HttpServer } from './gateway/http-server.ts';
import { BODIES_TAG, Intake } from './gateway/intake.ts';
import { OpossumGuard } from './gateway/opossum-guard.ts';
import { Pages } from './gateway/pages.ts';
import { ScheduledChecks } from './gateway/scheduled-checks.ts';
import { WordGuard } from './gateway/word-guard.ts';
import { WordBook } from './gateway/word-book.ts';
import type { FromWorker, HttpWorkerData } from './gateway/worker-messages.ts';

const data = workerData as HttpWorkerData;
const { settings } = data;
const port = parentPort as NonNullable<typeof parentPort>;
const say = (message: FromWorker): void => port.postMessage(message);

const arena = Arena.attach(data.machine.arena);
const machine = StateMachine.attach(data.machine, arena);
const pool = BufferPool.attach(data.pool, arena, { owner: data.owner });
const registry = Registry.attach(data.registry, arena);
const books = new Books(registry, (endpoint) => machine.nameOf(endpoint));
const memory = MemoryTracker.attach(data.memory, arena);
const scheduler = Scheduler.attach(data.scheduler);
const delivery = new Delivery({
  upstream: settings.upstream,
  connections: settings.deliveriesPerWorker,
  timeoutMs: settings.deliveryTimeoutMs,
});
const onTransition = (transition: Transition): void => say({ transition });
const guard =
  settings.breakers === 'shared'
    ? new WordGuard({
        machine,
        delivery,
        books,
        wordBook: WordBook.attach(data.wordBook, arena),
        onTransition,
      })
    : new OpossumGuard({ settings, delivery, books, onTransition });
const intake = new Intake({
  settings,
  pool,
  bodies: memory.tag(BODIES_TAG),
  checks: new ScheduledChecks({ client: scheduler, books, timeoutMs: settings.checkTimeoutMs }),
  onCompressed: (endpoint, ratio, isBomb) => {
    if (isBomb) machine.recordBomb(endpoint, ratio);
    else machine.recordCompression(endpoint, ratio);
  },
  endpoints: new Endpoints(machine, settings),
  guard,
  books,
  retryAfterMs: (endpoint) => machine.retryAfterMs(endpoint),
});
const server = new HttpServer({ settings, intake, pages: new Pages({ registry, machine, pool }) });

async function close(): Promise<void> {
  await server.close();
  await delivery.close();
  await scheduler.close();
  pool[Symbol.dispose]();
  memory[Symbol.dispose]();
  registry[Symbol.dispose]();
  port.close();
}

async function start(): Promise<void> {
  say({ listening: { port: await server.listen(data.port, data.reusePort) } });
}

port.once('message', () => void close());
void start();
