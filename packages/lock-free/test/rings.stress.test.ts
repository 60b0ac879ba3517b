// Both rings and the counter on real workers.
import { once } from 'node:events';
import { Arena } from '@corelane/shared-memory';
import { expect, test, vi } from 'vitest';
import { FRAME_EMPTY, FRAME_WRITTEN, FramedRing, SpscRing, StripedCounter } from '../src/index.ts';
import { kernelBase64, type KernelExports } from '../src/kernel.generated.ts';
import { framedRingRoot } from '../src/layout.ts';
import type { CounterReport, CounterStation } from './worker/counter-worker.ts';
import { Crew } from '../../../tools/testing/crew.ts';
import type { FrameReport, FrameStation } from './worker/frame-worker.ts';
import type { RingReport, RingStation } from './worker/ring-worker.ts';

vi.setConfig({ testTimeout: 60_000 });

const worker = (name: string): URL => new URL(`./worker/${name}-worker.ts`, import.meta.url);
/** Positions wrap while the workers run. */
const START = 0x7fffffff - 500;

function ringStations(element: 'i32' | 'u8', capacity: number, block: number, count: number): RingStation[] {
  const arena = Arena.create({ bytes: 1 << 20 });
  const ring = SpscRing.create(arena, { capacity, element });
  arena
    .kernel<KernelExports>({ base64: kernelBase64 })
    .initializeRing(ring.handle.at, ring.capacity, element === 'i32' ? 4 : 1, START);
  const roles = ['producer', 'consumer'] as const;
  return roles.map((role) => ({ handle: ring.handle, role, count, block }));
}

test.each([
  ['i32', 2, 1, 20_000],
  ['i32', 1024, 1, 200_000],
  ['i32', 256, 100, 1_000_000],
  ['u8', 512, 300, 2_000_000],
] as const)(
  'SPSC ring of %s, capacity %i, blocks up to %i: the values come out as they went in',
  async (element, capacity, block, count) => {
    const stations = ringStations(element, capacity, block, count);
    await using crew = new Crew(worker('ring'), stations);
    await crew.go();
    const reports = await crew.reports<RingReport>();
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(reports.map(({ done }) => done)).toEqual([count, count]);
    const ring = SpscRing.attach((stations[0] as RingStation).handle);
    expect(ring.size).toBe(0);
    ring.producer();
    ring.consumer(); // both were disposed of
  },
);

test('an SPSC ring whose workers were terminated at any point serves the next ones', async () => {
  for (let round = 0; round < 4; round++) {
    const stations = ringStations('i32', 256, 100, 1e9);
    await using crew = new Crew(worker('ring'), stations);
    const ids = crew.workers.map(({ threadId }) => threadId);
    await crew.go();
    const ring = SpscRing.attach((stations[0] as RingStation).handle);
    while (ring.size === 0) await new Promise(setImmediate);
    await Promise.all(crew.workers.map((each) => each.terminate()));
    for (const id of ids) ring.reclaim(id);
    const consumer = ring.consumer();
    const producer = ring.producer();
    const out = new Int32Array(256);
    consumer.read(out);
    expect(producer.write(out)).toBe(256);
    expect(consumer.read(out)).toBe(256);
  }
});

function frameStations(
  capacityBytes: number,
  producers: number,
  most: number,
  count: number,
): { ring: FramedRing; stations: FrameStation[] } {
  const arena = Arena.create({ bytes: 1 << 21 });
  const ring = FramedRing.create(arena, { capacityBytes });
  arena
    .kernel<KernelExports>({ base64: kernelBase64 })
    .initializeFrames(ring.handle.at, ring.capacityBytes / 64, START);
  const threads = new Int32Array(new SharedArrayBuffer(4 * producers));
  const roles = [...Array<'producer'>(producers).fill('producer'), 'consumer' as const];
  const stations = roles.map((role) => ({ handle: ring.handle, role, producers, count, most, threads }));
  return { ring, stations };
}

test.each([
  [512, 1, 200, 30_000],
  [1 << 16, 2, 1000, 15_000],
  [2048, 3, 500, 10_000],
] as const)(
  'framed ring of %i bytes, %i producers, payloads up to %i: each comes out once, whole, each producer’s in order',
  async (capacityBytes, producers, most, count) => {
    const { ring, stations } = frameStations(capacityBytes, producers, most, count);
    await using crew = new Crew(worker('frame'), stations);
    await crew.go();
    const reports = await crew.reports<FrameReport>();
    expect(reports.flatMap(({ wrong }) => wrong)).toEqual([]);
    expect(reports.at(-1)?.done).toBe(producers * count);
    const consumer = ring.consumer();
    expect(consumer.peek()).toBe(FRAME_EMPTY);
    expect(ring.usedBytes).toBe(0);
  },
);

test('producers terminated at any point: their claims are reclaimed, the others’ frames go on, nothing is corrupt', async () => {
  for (let round = 0; round < 4; round++) {
    const { ring, stations } = frameStations(4096, 2, 500, 1e9);
    await using crew = new Crew(worker('frame'), stations.slice(0, 2));
    await crew.go();
    const consumer = ring.consumer();
    const [first, second] = crew.workers as [(typeof crew.workers)[0], (typeof crew.workers)[0]];
    const ids = [first.threadId, second.threadId];
    let read = 0;
    const ignore = (): void => {};
    for (; read < 1000; await new Promise(setImmediate)) read += consumer.drain(ignore);
    const exit = once(first, 'exit');
    void first.terminate();
    await exit;
    consumer.reclaim(ids[0] as number);
    for (const goal = read + 1000; read < goal; await new Promise(setImmediate))
      read += consumer.drain(ignore);
    await second.terminate();
    do consumer.reclaim(ids[1] as number);
    while (consumer.drain(ignore) > 0);
    expect(consumer.peek()).toBe(FRAME_EMPTY);
    expect(ring.usedBytes).toBe(0);
    expect(ring.producer().tryWrite(new Uint8Array(2048))).toBe(FRAME_WRITTEN);
  }
});

test('a consumer terminated at any point: the next one goes on, with a frame that was not read', async () => {
  const { ring, stations } = frameStations(4096, 1, 500, 1e9);
  await using crew = new Crew(worker('frame'), stations);
  const id = crew.workers[1]?.threadId as number;
  await crew.go();
  const head = (ring.handle.at >> 2) + framedRingRoot.word.head;
  const { i32 } = Arena.attach(ring.handle.arena);
  while (Atomics.load(i32, head) === START) await new Promise(setImmediate);
  await crew.workers[1]?.terminate();
  expect(ring.reclaim(id)).toBe(1);
  const consumer = ring.consumer();
  let read = 0;
  for (; read < 1000; await new Promise(setImmediate)) read += consumer.drain(() => {});
  expect(read).toBeGreaterThanOrEqual(1000);
});

test.each([1, 4])(
  '%i stripes, 3 workers: the sum is exact, with what was drained meanwhile',
  async (stripes) => {
    const counter = StripedCounter.create(Arena.create({ bytes: 1 << 16 }), { stripes });
    const stations = [false, false, true].map((drains): CounterStation => ({
      handle: counter.handle,
      times: 100_000,
      drains,
    }));
    await using crew = new Crew(worker('counter'), stations);
    await crew.go();
    const reports = await crew.reports<CounterReport>();
    const added = reports.reduce((sum, report) => sum + report.added, 0);
    const drained = reports.reduce((sum, report) => sum + report.drained, 0);
    expect(counter.sum() + drained).toBe(added);
  },
);
