// Real threads: each tells of itself, one of the process.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import type { Registry } from '../../src/index.ts';
import { collectDefaults } from '../../src/sources/index.ts';
import { newRegistry, valuesOf } from './fake-host.ts';

const EXEC_ARGV = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];

function byWriter(registry: Registry, name: string): Record<number, number> {
  const metric = registry.read().metrics.find((each) => each.name === name);
  const [series] = metric?.series ?? [];
  if (series === undefined || !('value' in series)) return {};
  return Object.fromEntries(series.byWriter.map(({ writer, value }) => [writer, value]));
}

test('each thread has its own figures, one has those of the process, and counts outlive their thread', async () => {
  const registry = newRegistry();
  using sources = collectDefaults(registry, { intervalMs: Infinity });
  const worker = new Worker(new URL('./attached-worker.ts', import.meta.url), {
    workerData: registry.handle,
    execArgv: EXEC_ARGV,
  });
  const { threadId } = worker;
  const answer = async (): Promise<{ writer: number; elsewhere: number }> => {
    worker.postMessage(60);
    const [told] = (await once(worker, 'message')) as [{ writer: number; elsewhere: number }];
    return told;
  };
  const { writer, elsewhere } = await answer();
  await sources.sample();
  expect(elsewhere).toBe(5);
  expect(Object.keys(byWriter(registry, 'process_cpu_seconds_total'))).toEqual(['0']);
  const heaps = byWriter(registry, 'nodejs_heap_size_used_bytes');
  expect(Object.keys(heaps)).toEqual(['0', String(writer)]);
  expect(valuesOf(registry.read(), 'nodejs_heap_size_used_bytes')['']).toBe(
    (heaps[0] as number) + (heaps[writer] as number),
  );
  // It has burned 60 ms.
  const cpu = byWriter(registry, 'nodejs_thread_cpu_seconds_total');
  expect(cpu[writer]).toBeGreaterThan(0.05);
  await worker.terminate();
  expect(registry.reclaimThread(threadId)).toBe(1);
  expect(Object.keys(byWriter(registry, 'nodejs_heap_size_used_bytes'))).toEqual(['0']);
  expect(byWriter(registry, 'nodejs_thread_cpu_seconds_total')[writer]).toBe(cpu[writer]);
});

test('threads that take the figures of the process from each other count all of its CPU time, once', async () => {
  const registry = newRegistry();
  const workers = [0, 1].map(
    () =>
      new Worker(new URL('./competing-worker.ts', import.meta.url), {
        workerData: { handle: registry.handle, hands: 20 },
        execArgv: EXEC_ARGV,
      }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const before = process.cpuUsage();
  using _last = collectDefaults(registry, {
    intervalMs: Infinity,
    sources: ['processCpu'],
    processWide: true,
  });
  const after = process.cpuUsage();
  const counted = valuesOf(registry.read(), 'process_cpu_seconds_total')[''] as number;
  expect(Object.keys(byWriter(registry, 'process_cpu_seconds_total')).length).toBeGreaterThan(1);
  expect(counted).toBeGreaterThanOrEqual((before.user + before.system) / 1e6 - 1e-9);
  expect(counted).toBeLessThanOrEqual((after.user + after.system) / 1e6 + 1e-9);
});

test('a process with sources ends when it has nothing else to do', async () => {
  const program = fileURLToPath(new URL('./idle-process.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [...EXEC_ARGV, program], {
    timeout: 20_000,
  });
  expect(stdout.trim()).toBe('ends with 17 sources');
});
