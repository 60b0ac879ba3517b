// A reader on its own, while threads define, count, die and are taken over from; and on a thread of its own, while another is blocked.
import { once } from 'node:events';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Registry, RegistryReader, type RegistrySnapshot } from '../src/index.ts';
import { parseOpenMetrics } from './openmetrics-text.ts';
import type { ChurnData } from './worker/churn.ts';
import type { ClientData, Scraped } from './worker/scrape-client.ts';

const execArgv = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];

function start(file: string, workerData: unknown): Worker {
  return new Worker(new URL(`./worker/${file}.ts`, import.meta.url), { workerData, execArgv });
}

/** All series of counters and histograms by name and labels, and their counts. */
function countsOf({ metrics }: RegistrySnapshot): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, type, series } of metrics)
    for (const each of series)
      if (type !== 'gauge')
        counts.set(`${name} ${JSON.stringify(each.labels)}`, 'value' in each ? each.value : each.count);
  return counts;
}

test('what is read while threads define, count and die only grows, and is valid text; nothing is lost', async () => {
  const registry = Registry.create(Arena.create({ bytes: 8 << 20 }), {
    series: 512,
    writers: 4,
    metrics: 16,
  });
  const reader = RegistryReader.attach(registry.handle);
  const words = new Int32Array(new SharedArrayBuffer(8));
  const generations = 6;
  let before = new Map<string, number>();
  let reads = 0;
  const look = async (): Promise<void> => {
    parseOpenMetrics(
      await reader.metrics({ contentType: 'application/openmetrics-text; version=1.0.0; charset=utf-8' }),
    );
    const now = countsOf(await reader.snapshot());
    const shrunk = [...before].filter(([series, count]) => !((now.get(series) ?? -1) >= count));
    expect(shrunk).toEqual([]);
    before = now;
    reads++;
  };
  const end = new AbortController();
  const looking = (async () => {
    while (!end.signal.aborted) {
      await look();
      await turnLoop(); // a look that takes one slice gives the event loop no turn, and what the workers say is never heard
    }
  })();
  for (let generation = 0; generation < generations; generation += 3) {
    Atomics.store(words, 1, 0);
    const workers = [0, 1, 2].map((i) =>
      start('churn', { handle: registry.handle, generation: generation + i, words } satisfies ChurnData),
    );
    const writers = await Promise.all(workers.map((worker) => once(worker, 'message')));
    expect(writers.flat().toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    const exits = workers.map((worker) => once(worker, 'exit'));
    const ids = workers.map(({ threadId }) => threadId);
    Atomics.store(words, 1, 1);
    Atomics.notify(words, 1);
    await Promise.all(exits);
    for (const id of ids) expect(registry.reclaimThread(id)).toBe(1);
  }
  end.abort();
  await looking;
  await look();
  const total = (name: RegExp): number =>
    [...before].reduce((sum, [series, count]) => sum + (name.test(series) ? count : 0), 0);
  const counted = Atomics.load(words, 0);
  expect(counted).toBe(generations * 30);
  expect([total(/_total/), total(/^m\d /)]).toEqual([counted, counted]);
  expect(before.get('m0_total {"l":"all"}')).toBe(generations);
  expect(reader.read({ names: ['generation'] }).metrics).toMatchObject([{ series: [] }]);
  expect(reads).toBeGreaterThan(3);
});

test('a thread of its own answers scrapes while the thread that records is blocked', async () => {
  const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 16, writers: 2, metrics: 8 });
  registry.counter({ name: 'a_total', help: 'A' }).inc(41);
  const server = start('scrape-server', registry.handle);
  try {
    const [port] = (await once(server, 'message')) as [number];
    registry.counter({ name: 'a_total', help: 'A' }).inc();
    const done = new Int32Array(new SharedArrayBuffer(4));
    const client = start('scrape-client', {
      url: `http://127.0.0.1:${port}/metrics`,
      done,
    } satisfies ClientData);
    const answer = once(client, 'message');
    // From here to there this thread runs nothing.
    Atomics.wait(done, 0, 0, 20_000);
    expect(done[0]).toBe(1);
    const [{ contentType, text }] = (await answer) as [Scraped];
    expect(contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(parseOpenMetrics(text)).toMatchObject([{ name: 'a', samples: [{ name: 'a_total', value: 42 }] }]);
  } finally {
    await server.terminate();
  }
});
