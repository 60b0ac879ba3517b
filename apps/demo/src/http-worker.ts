// An HTTP worker thread: attaches everything that the threads share, listens, and drains when it is told to.
import { parentPort, workerData } from 'node:worker_threads';
import { EventBuffer, StateMachine } from '@corelane/atomic-state';
import { BufferPool } from '@corelane/buffer-pool';
import { MemoryTracker } from '@corelane/memory-tracker';
import { Registry } from '@corelane/perf-counters';
import { collectDefaults } from '@corelane/perf-counters/sources';
import { readinessHandler } from '@corelane/perf-counters/health';
import { Scheduler } from '@corelane/scheduler';
import { Arena } from '@corelane/shared-memory';
import { Books } from './gateway/books.ts';
import { Courier } from './gateway/courier.ts';
import { Delivery } from './gateway/delivery.ts';
import { Endpoints } from './gateway/endpoints.ts';
import type { Transition } from './gateway/guard.ts';
import { HttpServer } from './gateway/http-server.ts';
import { BODIES_TAG, Intake } from './gateway/intake.ts';
import { OpossumGuard } from './gateway/opossum-guard.ts';
import { Outbox } from './gateway/outbox.ts';
import { Pages } from './gateway/pages.ts';
import { readinessOf } from './gateway/readiness.ts';
import { Reporter } from './gateway/reporter.ts';
import { ScheduledChecks } from './gateway/scheduled-checks.ts';
import { TicketDesk } from './gateway/ticket-desk.ts';
import { Tickets } from './gateway/tickets.ts';
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
const sources = collectDefaults(registry, { processWide: false });
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
const events = EventBuffer.attach(data.events, arena);
const tickets = Tickets.attach(data.tickets, arena);
const desk = new TicketDesk(tickets, data.seat);
const reporter = new Reporter();
const { clock } = machine;
const producer = events.producer();
const consumer = events.consumer();
const courier = new Courier({
  consumer,
  tickets,
  seat: data.seat,
  desk,
  pool,
  guard,
  books,
  clock,
  limit: settings.deliveriesPerWorker,
  nameOf: (endpoint) => machine.nameOf(endpoint),
  onDefect: (error) => reporter.report(error),
});
const outbox = new Outbox({
  producer,
  desk,
  courier,
  books,
  clock,
  queueTimeoutMs: settings.queueTimeoutMs,
});
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
  outbox,
  books,
  reporter,
  retryAfterMs: (endpoint) => machine.retryAfterMs(endpoint),
});
const health = readinessOf(machine, pool);
const server = new HttpServer({
  settings,
  intake,
  pages: new Pages({ registry, machine, pool, events }),
  ready: readinessHandler(health),
});

async function close(): Promise<void> {
  // Whoever asks on a connection that is still open hears that this worker ends.
  health.drain();
  await server.close();
  health[Symbol.dispose]();
  await courier.close();
  outbox[Symbol.dispose]();
  producer[Symbol.dispose]();
  consumer[Symbol.dispose]();
  await delivery.close();
  await scheduler.close();
  pool[Symbol.dispose]();
  memory[Symbol.dispose]();
  sources[Symbol.dispose]();
  registry[Symbol.dispose]();
  port.close();
}

/** Hands out the outcomes that other workers have filled in. */
async function listenToBell(): Promise<void> {
  const bell = tickets.bellOf(data.seat);
  for (;;) {
    const sequence = bell.prepare();
    desk.collect();
    await bell.parkAsync(sequence);
  }
}

async function start(): Promise<void> {
  void listenToBell();
  void courier.serve();
  say({ listening: { port: await server.listen(data.port, data.reusePort) } });
}

port.once('message', () => void close());
void start();
