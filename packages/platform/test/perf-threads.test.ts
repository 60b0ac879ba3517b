import { spawnSync } from 'node:child_process';
import { Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import { PerfEvents, type PerfEventName, type PerfReading, type PerfTarget } from '../src/index.ts';
import { linux } from './machine-facts.ts';
import { valueOf } from './memory-buffers.ts';
import { native } from './native-mode.ts';
import { perfDescriptors, perfMappings } from './perf-descriptors.ts';
import { leastFaults } from './perf-work.ts';
import { PerfWorker } from './perf-worker.ts';

// Starting workers takes seconds where others load the machine.
vi.setConfig({ testTimeout: 60_000 });

const MIB = 1024 * 1024;
const BYTES = 32 * MIB;

function open(target: PerfTarget): PerfEvents {
  return valueOf(PerfEvents.open({ target }));
}

function value(reading: PerfReading | null, name: PerfEventName): number {
  const { value: count = null, reason = 'no reading' } = reading?.[name] ?? {};
  if (count === null) throw new Error(`${name}: ${reason}`);
  return count;
}

describe.runIf(linux)('two threads', () => {
  it('count themselves, and not each other', async () => {
    await using a = await PerfWorker.start();
    await using b = await PerfWorker.start();
    for (const worker of [a, b]) await worker.ask({ do: 'open' });
    const before = value(await b.ask({ do: 'read' }), 'pageFaults');
    await a.ask({ do: 'touch', bytes: BYTES });
    await a.ask({ do: 'spin', ms: 30 });
    const [one, other] = [await a.ask({ do: 'read' }), await b.ask({ do: 'read' })];
    expect(value(one, 'pageFaults')).toBeGreaterThanOrEqual(leastFaults(BYTES));
    expect(value(other, 'pageFaults') - before).toBeLessThan(leastFaults(BYTES) / 2 + 64);
    expect(value(one, 'taskClock')).toBeGreaterThan(value(other, 'taskClock'));
  });

  it('count each other by id, and not themselves', async () => {
    await using worker = await PerfWorker.start();
    using events = open({ tid: worker.tid });
    const before = events.read();
    await worker.ask({ do: 'touch', bytes: BYTES });
    await worker.ask({ do: 'spin', ms: 60 });
    const after = events.read();
    expect(value(after, 'pageFaults') - value(before, 'pageFaults')).toBeGreaterThanOrEqual(
      leastFaults(BYTES),
    );
    const ranNs = value(after, 'taskClock') - value(before, 'taskClock');
    expect(ranNs).toBeGreaterThan(2e6);
    for (const { reason, tier } of Object.values(after))
      if (tier !== null) expect(reason).toContain(String(worker.tid));
    expect(after.contextSwitches.value).toBeGreaterThan(0);
  });

  it('keep the count of one that ended where the kernel does, and else do not know it', async () => {
    const worker = await PerfWorker.start();
    using events = open({ tid: worker.tid });
    await worker.ask({ do: 'touch', bytes: BYTES });
    const before = events.read().pageFaults;
    await worker.end();
    const { value: after, reason } = events.read().pageFaults;
    if (before.tier === 'software') expect(after).toBeGreaterThanOrEqual(before.value ?? 0);
    else {
      expect(after).toBeNull();
      expect(reason).toContain('ended');
    }
  });

  it('cannot count one that has ended', async () => {
    const worker = await PerfWorker.start();
    await worker.end();
    expect(PerfEvents.open({ target: { tid: worker.tid } })).toMatchObject({
      status: 'refused',
      errno: 'ESRCH',
      reason: expect.stringContaining(`tid: ${worker.tid}`) as unknown,
    });
  });

  it('cannot count a thread of another process', () => {
    const descriptors = perfDescriptors();
    for (const tid of [1, process.ppid])
      expect(PerfEvents.open({ target: { tid } })).toMatchObject({ status: 'refused', errno: 'ESRCH' });
    expect(perfDescriptors()).toBe(descriptors);
  });
});

describe.runIf(linux)('a process', () => {
  it('counts threads that begin later, and keeps what they counted when they end', async () => {
    using events = open('process');
    const start = events.read();
    const worker = await PerfWorker.start();
    await worker.ask({ do: 'touch', bytes: BYTES });
    await worker.ask({ do: 'spin', ms: 30 });
    const during = events.read();
    expect(value(during, 'pageFaults') - value(start, 'pageFaults')).toBeGreaterThanOrEqual(
      leastFaults(BYTES),
    );
    await worker.end();
    const after = events.read();
    for (const name of ['pageFaults', 'minorFaults', 'contextSwitches', 'taskClock'] as const)
      expect(value(after, name)).toBeGreaterThanOrEqual(value(during, name));
    // Not without the kernel's share, which a user may not count everywhere.
    if (native && after.cpuMigrations.tier === 'software')
      expect(value(after, 'cpuMigrations')).toBeGreaterThanOrEqual(value(during, 'cpuMigrations'));
  });

  it('counts threads that began before, and those that they begin', async () => {
    await using worker = await PerfWorker.start();
    using events = open('process');
    const before = value(events.read(), 'pageFaults');
    await worker.ask({ do: 'touch', bytes: BYTES });
    expect(value(events.read(), 'pageFaults') - before).toBeGreaterThanOrEqual(leastFaults(BYTES));
  });

  it('counts each thread once', async () => {
    await using worker = await PerfWorker.start();
    using events = open('process');
    using self = open({ tid: worker.tid });
    const before = [value(events.read(), 'pageFaults'), value(self.read(), 'pageFaults')];
    await worker.ask({ do: 'touch', bytes: BYTES });
    const after = [value(events.read(), 'pageFaults'), value(self.read(), 'pageFaults')];
    const [whole = 0, one = 0] = after.map((count, i) => count - (before[i] ?? 0));
    expect(whole).toBeGreaterThanOrEqual(one);
    expect(whole).toBeLessThan(one * 1.5);
  });

  it('does not count a child process', () => {
    using events = open('process');
    const before = value(events.read(), 'pageFaults');
    const code = `new Uint8Array(new SharedArrayBuffer(${8 * BYTES})).fill(1)`;
    expect(spawnSync(process.execPath, ['-e', code]).status).toBe(0);
    expect(value(events.read(), 'pageFaults') - before).toBeLessThan(leastFaults(8 * BYTES));
  });
});

describe.runIf(linux)('a thread that ends without closing', () => {
  it('leaves no descriptor and no mapping behind, terminated at whatever moment', async () => {
    const descriptors = perfDescriptors();
    const mappings = perfMappings();
    for (let i = 0; i < 3; i++) {
      const worker = await PerfWorker.start();
      await worker.ask({ do: 'open' });
      expect(perfDescriptors()).toBeGreaterThan(descriptors);
      await worker.end();
      expect(perfDescriptors()).toBe(descriptors);
    }
    expect(perfMappings()).toBe(mappings);
  });

  it('and is terminated in the middle of reading leaves none either', async () => {
    const descriptors = perfDescriptors();
    const source = JSON.stringify(new URL('../src/perf/events.ts', import.meta.url).href);
    const code = `import(${source}).then(({ PerfEvents }) => {
      const { value } = PerfEvents.open();
      const into = new Float64Array(12);
      require('node:worker_threads').parentPort.postMessage('open');
      for (;;) { value.readInto(into); PerfEvents.open().value.close(); }
    })`;
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(code, { eval: true, execArgv: ['--conditions=@corelane/source'] });
      await once(worker, 'message');
      await worker.terminate();
      expect(perfDescriptors()).toBe(descriptors);
    }
  });
});

describe.runIf(linux)('what is dropped without being closed', () => {
  it('gives its descriptors back when it is collected', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const descriptors = perfDescriptors();
    (() => {
      for (let i = 0; i < 3; i++) open('thread').read();
    })();
    expect(perfDescriptors()).toBeGreaterThan(descriptors);
    // Collected when V8 likes; the callback runs in a later turn.
    for (let i = 0; perfDescriptors() > descriptors && i < 200; i++) {
      collect();
      await new Promise(setImmediate);
    }
    expect(perfDescriptors()).toBe(descriptors);
  });
});
