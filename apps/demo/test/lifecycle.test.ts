import { describe, expect, it } from 'vitest';
import { Load } from '../src/load/run.ts';
import { Fixture, SECRET, type Answered } from './gateway-fixture.ts';
import { HeldUpstream } from './held-upstream.ts';

/** Of what ends earlier: loads, which are stopped, and time-outs that are not what a test is about, on a machine that is busy. */
const ENOUGH_MS = 60_000;
const PATIENT = {
  checkTimeoutMs: ENOUGH_MS,
  queueTimeoutMs: ENOUGH_MS,
  deliveryTimeoutMs: ENOUGH_MS,
  headersTimeoutMs: ENOUGH_MS,
  requestTimeoutMs: ENOUGH_MS,
};

describe('a worker thread that dies under load', () => {
  it('is replaced while the others go on; nothing is counted twice and nothing is left behind', async () => {
    const f = await Fixture.start({ workers: 2, buffers: 64 });
    f.upstream.run({ outages: [], delayMs: 2 });
    const load = new Load({
      url: f.gateway.url,
      durationMs: ENOUGH_MS,
      connections: 24,
      source: 'github',
      secret: SECRET,
      maxBodyBytes: f.gateway.settings.maxBodyBytes,
      floodEvent: 'ping',
      hostile: true,
      seed: 5,
    });
    const running = load.run();
    await f.until(() => f.upstream.totals().delivered > 200);
    await f.gateway.killWorker(0);
    const atKill = f.upstream.totals().delivered;
    await f.until(() => f.upstream.totals().delivered > atKill + 200);
    await f.gateway.killWorker(1);
    const atSecond = f.upstream.totals().delivered;
    await f.until(() => f.gateway.replacedWorkers === 2 && f.upstream.totals().delivered > atSecond + 200);
    load.stop();
    const result = await running;
    await f.gateway.settled();

    expect(f.gateway.replacedWorkers).toBe(2);
    expect(result.unexpected).toEqual({});
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((a, b) => a + b, 0);
    const answered = Object.values(result.answers).reduce((total, of) => total + sum(of), 0);
    expect(sum(result.sent)).toBe(answered + result.lost);
    expect(result.lost).toBeGreaterThan(0);
    const accepted = Object.values(result.answers).reduce((total, of) => total + (of['202 '] ?? 0), 0);
    const upstream = f.upstream.totals();
    // Nobody has the same event twice.
    expect(upstream.duplicates).toBe(0);
    // Whoever got a 202 is right: the upstream has it. The other way round, an answer may have been lost with its thread.
    expect(upstream.delivered).toBeGreaterThanOrEqual(accepted);
    expect(upstream.delivered - accepted).toBeLessThanOrEqual(result.lost);
    // The counters of the dead threads stay, each count once: between what the clients and what the upstream saw.
    const books = f.gateway.books();
    expect(books.answers().accepted).toBeGreaterThanOrEqual(accepted);
    expect(books.answers().accepted).toBeLessThanOrEqual(upstream.delivered);
    // What the dead threads held is back: buffers, counter writers.
    expect(f.freeBuffers).toBe(64);
    const writers = (): number => f.gateway.registry.writers().filter(({ claimed }) => claimed).length;
    await f.until(() => writers() >= 1 + 2 + 1); // a successor may still be starting
    expect(writers()).toBe(1 + 2 + 1);
    // No event is left in the buffer, and each has ended in one way, but for those in whose midst a thread stopped to count.
    const { accepted: entered, taken } = f.gateway.events.metrics();
    const events = Object.values(books.events.byPriority());
    const ended = events.flatMap((of) => Object.values(of.ended)).reduce((a, b) => a + b, books.events.lost);
    expect(taken).toBe(entered);
    expect(Math.abs(taken - ended)).toBeLessThanOrEqual(2);
    expect(f.gateway.tickets.deliveries()).toEqual([]);
    expect((await f.send()).status).toBe(202);
  });

  it('while events wait and workers deliver for each other: every sender has an answer or a cut connection, every event one end', async () => {
    const f = await Fixture.start({ workers: 2, buffers: 64, deliveriesPerWorker: 2 });
    f.upstream.run({ outages: [], delayMs: 10 });
    const load = new Load({
      url: f.gateway.url,
      durationMs: ENOUGH_MS,
      connections: 24,
      source: 'github',
      secret: SECRET,
      maxBodyBytes: f.gateway.settings.maxBodyBytes,
      floodEvent: 'ping',
      hostile: false,
      seed: 6,
    });
    const running = load.run();
    for (const worker of [0, 1, 0]) {
      const { delivered } = f.upstream.totals();
      await f.until(() => f.upstream.totals().delivered > delivered + 60);
      await f.gateway.killWorker(worker);
    }
    await f.until(() => f.gateway.replacedWorkers === 3);
    load.stop();
    const result = await running;
    await f.gateway.settled();

    expect(f.gateway.replacedWorkers).toBe(3);
    expect(result.unexpected).toEqual({});
    const sum = (counts: Readonly<Record<string, number>>): number =>
      Object.values(counts).reduce((a, b) => a + b, 0);
    const answered = Object.values(result.answers).reduce((total, of) => total + sum(of), 0);
    expect(sum(result.sent)).toBe(answered + result.lost);
    const accepted = Object.values(result.answers).reduce((total, of) => total + (of['202 '] ?? 0), 0);
    const { delivered, duplicates, received, numbers } = f.upstream.totals();
    expect({ duplicates, numbers }).toEqual({ duplicates: 0, numbers: received });
    expect(delivered).toBeGreaterThanOrEqual(accepted);
    const books = f.gateway.books();
    // Answers that were lost with their worker, and events of whose end nobody heard.
    expect(delivered - accepted).toBeLessThanOrEqual(result.lost + books.events.lost);
    const figures = Object.values(books.events.byPriority());
    const ended = figures.flatMap((of) => Object.values(of.ended)).reduce((a, b) => a + b, books.events.lost);
    const { accepted: entered, taken } = f.gateway.events.metrics();
    expect(taken).toBe(entered);
    expect(Math.abs(taken - ended)).toBeLessThanOrEqual(3);
    expect(f.gateway.tickets.deliveries()).toEqual([]);
    expect(f.freeBuffers).toBe(64);
    const { allocatedBytes, freedBytes } = f.gateway.bodies();
    expect(freedBytes).toBe(allocatedBytes);
    expect((await f.send()).status).toBe(202);
  });

  it('gives back the bodies that it held, once, however many threads its place has had', async () => {
    const f = await Fixture.start({ workers: 1, deliveryTimeoutMs: 60_000 });
    f.upstream.run({ outages: [{ fromMs: 0, toMs: 60_000, mode: 'hang' }] });
    for (let deaths = 1; deaths <= 3; deaths++) {
      const lost = f.send().catch(() => undefined);
      await f.until(() => f.upstream.totals().hung === deaths);
      await f.gateway.killWorker(0);
      await lost;
      await f.until(() => f.gateway.replacedWorkers === deaths);
      const { allocatedBytes, freedBytes } = f.gateway.bodies();
      expect(allocatedBytes).toBeGreaterThan(0);
      expect(freedBytes).toBe(allocatedBytes);
      while ((await f.request('GET', '/healthz').catch(() => undefined))?.status !== 200);
    }
  });

  it('is replaced once more where its successor dies before it listens', async () => {
    const f = await Fixture.start({ workers: 1 });
    await f.gateway.killWorker(0);
    await f.until(() => f.gateway.replacedWorkers === 1);
    await f.gateway.killWorker(0);
    await f.until(() => f.gateway.replacedWorkers === 2);
    let answered: Answered | undefined;
    while (answered?.status !== 202) answered = await f.send().catch(() => undefined);
    expect(f.freeBuffers).toBe(16);
  });

  it('whose buffers cannot be taken back is a failure of the gateway, not of the process', async () => {
    const f = await Fixture.start({ workers: 1 });
    Object.assign(f.gateway.pool, {
      reclaim: () => {
        throw new Error('a defect');
      },
    });
    await f.gateway.killWorker(0);
    await expect(f.gateway.failure).rejects.toMatchObject({
      code: 'ERR_PART',
      message: 'http worker 0: what its thread had cannot be taken back',
      cause: { message: 'a defect' },
    });
  });

  it('leaves its probes behind: the breaker does not wait for them for ever', async () => {
    const f = await Fixture.start({
      workers: 2,
      breaker: { failureThreshold: 1, resetTimeout: 300, halfOpenProbes: 1, closeRatio: 1 },
      deliveryTimeoutMs: 60_000,
    });
    f.upstream.run({ outages: [{ fromMs: 0, toMs: 60_000, mode: 'status 500' }] });
    await f.send();
    const index = f.gateway.endpoints()[0]?.index ?? -1;
    f.upstream.run({ outages: [{ fromMs: 0, toMs: 60_000, mode: 'hang' }] });
    await f.until(() => (f.gateway.machine.retryAfterMs(index) ?? Infinity) <= 1);
    const probes: Promise<Answered | undefined>[] = [];
    while (f.upstream.totals().hung === 0) {
      // Refused, where the breaker is still open: then the next one. Or it is the probe, which hangs in the upstream.
      using arrival = Fixture.nextArrival();
      const probe = f.send().catch(() => undefined);
      probes.push(probe);
      await Promise.race([probe, arrival.promise]);
    }
    await Promise.all([f.gateway.killWorker(0), f.gateway.killWorker(1)]);
    await Promise.all(probes);
    f.upstream.run({ outages: [] });
    await f.until(() => f.gateway.replacedWorkers === 2);
    let answered: Answered | undefined;
    while (answered?.status !== 202) answered = await f.send().catch(() => undefined);
    expect(f.gateway.machine.snapshot(index)).toMatchObject({ state: 'closed', trips: 1, reopens: 1 });
  });
});

describe('a graceful close', () => {
  it('answers every request that has arrived, and the upstream has each that was accepted', async () => {
    const upstream = await HeldUpstream.start();
    const f = await Fixture.start({ ...PATIENT, upstream: upstream.origin, buffers: 64 });
    const sent = Array.from({ length: 40 }, () => f.send());
    await f.until(() => upstream.held === 40);
    const closing = f.gateway.close();
    // Nobody listens any more: each worker knows that it ends.
    while (await f.listens());
    for (let call = 0; call < 40; call++) upstream.release();
    const answers = await Promise.all(sent);
    await closing;
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 40 }, () => 202));
    expect(answers.every(({ headers }) => headers['connection'] === 'close')).toBe(true);
    expect(upstream.arrivals).toHaveLength(40);
    expect(new Set(upstream.arrivals.map(({ id }) => id)).size).toBe(40);
    expect(f.gateway.books().answers().accepted).toBe(40);
    expect(f.freeBuffers).toBe(64);
    await expect(f.send()).rejects.toThrow('ECONNREFUSED');
  });

  it('waits for events that are queued, longer than for requests that arrive', async () => {
    const upstream = await HeldUpstream.start();
    const f = await Fixture.start({
      upstream: upstream.origin,
      ...PATIENT,
      deliveriesPerWorker: 1,
      headersTimeoutMs: 500,
      requestTimeoutMs: 1000,
    });
    const sent = Array.from({ length: 8 }, () => f.send());
    await f.until(() => f.gateway.events.metrics().accepted === 8 && upstream.held === 2);
    const slow = await f.raw();
    slow.write(f.head('{"never":"all of it"}'));
    await f.until(() => f.gateway.books().inHand === 9);
    let done = false;
    const closing = f.gateway.close().finally(() => (done = true));
    // The slow one is answered when its time is over, the others have theirs.
    await f.until(() => f.gateway.books().inHand === 8);
    await f.until(() => {
      upstream.release();
      return done;
    });
    await closing;
    const answers = await Promise.all(sent);
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 202));
    expect(f.gateway.books().answers()).toMatchObject({ accepted: 8, overloaded: 1 });
    expect(f.freeBuffers).toBe(16);
  });

  it('can be asked for twice, and its books can still be read', async () => {
    const f = await Fixture.start();
    await f.send();
    await Promise.all([f.gateway.close(), f.gateway.close()]);
    await f.gateway[Symbol.asyncDispose]();
    expect(f.gateway.books().answers().accepted).toBe(1);
    expect(f.gateway.endpoints()[0]?.successes).toBe(1);
  });
});
