import { describe, expect, it } from 'vitest';
import type { GatewayOptions } from '../src/gateway/options.ts';
import { Fixture, type Answered } from './gateway-fixture.ts';
import { HeldUpstream } from './held-upstream.ts';

interface Held {
  readonly f: Fixture;
  readonly upstream: HeldUpstream;
}

/** A gateway with one delivery at a time on each worker, before an upstream that answers when it is told to. */
async function hold(options: Partial<GatewayOptions> = {}): Promise<Held> {
  const upstream = await HeldUpstream.start();
  const f = await Fixture.start({
    upstream: upstream.origin,
    workers: 1,
    deliveriesPerWorker: 1,
    deliveryTimeoutMs: 60_000,
    queueTimeoutMs: 60_000,
    buffers: 64,
    ...options,
  });
  return { f, upstream };
}

/** Sends webhooks one after the other, so that they are accepted in this order. */
async function queue({ f }: Held, events: readonly string[]): Promise<Promise<Answered>[]> {
  const answers: Promise<Answered>[] = [];
  for (const event of events) {
    const before = f.gateway.events.metrics().accepted;
    answers.push(f.send({ event }));
    await f.until(() => f.gateway.events.metrics().accepted === before + 1);
  }
  return answers;
}

/** Answers whatever comes, until all have their answers. */
async function releaseAll<T>({ f, upstream }: Held, answers: readonly Promise<T>[]): Promise<T[]> {
  let done = false;
  const all = Promise.all(answers).finally(() => (done = true));
  await f.until(() => {
    upstream.release();
    return done;
  });
  return await all;
}

const reasons = (answers: readonly Answered[]): string[] =>
  answers.map(({ status, reason }) => `${status} ${reason}`.trim());

const TEN = Array.from({ length: 10 }, (_, i) => `normal_${i}`);

describe('priorities', () => {
  it.each([1, 2])(
    'an urgent event is delivered before ten that came before it, with %i workers',
    async (workers) => {
      const held = await hold({ workers });
      const { f, upstream } = held;
      const first = await queue(
        held,
        Array.from({ length: workers }, () => 'push'),
      );
      await f.until(() => upstream.held === workers);
      const answers = await queue(held, [...TEN, 'secret_scanning_alert']);
      expect(upstream.arrivals).toHaveLength(workers);
      for (let arrived = workers + 1; arrived <= workers + 11; arrived++) {
        upstream.release();
        await f.until(() => upstream.arrivals.length === arrived);
      }
      expect(upstream.arrivals[workers]).toMatchObject({
        event: 'secret_scanning_alert',
        priority: 'urgent',
        number: workers + 10,
      });
      // The others in the order in which they were accepted, whichever worker delivered them.
      const numbers = upstream.arrivals.slice(workers + 1).map(({ number }) => number);
      expect(numbers).toEqual(TEN.map((_, i) => workers + i));
      expect(reasons(await releaseAll(held, [...first, ...answers]))).toEqual(
        Array.from({ length: workers + 11 }, () => '202'),
      );
      const { urgent, normal } = f.gateway.books().events.byPriority();
      expect(urgent).toMatchObject({ accepted: 1, taken: 1, ended: { delivered: 1 } });
      expect(normal).toMatchObject({ accepted: workers + 10, ended: { delivered: workers + 10, failed: 0 } });
      expect(urgent.waitMs.max).toBeLessThan(normal.waitMs.max ?? 0);
    },
  );
});

describe('an event that waits', () => {
  it('is not sent to an upstream whose breaker has opened since', async () => {
    const held = await hold({ breaker: { failureThreshold: 1, resetTimeout: 60_000 } });
    const { f, upstream } = held;
    const answers = await queue(held, ['push', 'push', 'issues', 'push']);
    await f.until(() => upstream.held === 1);
    upstream.release(500);
    const [failed, ...others] = answers;
    await f.until(() => upstream.arrivals.length === 2);
    expect(upstream.arrivals[1]).toMatchObject({ event: 'issues', number: 2 });
    upstream.release();
    expect(reasons(await Promise.all([failed as Promise<Answered>, ...others]))).toEqual([
      '503 upstream failed',
      '503 open',
      '202',
      '503 open',
    ]);
    expect((await others[0])?.retryAfter).toBe('60');
    expect(upstream.arrivals).toHaveLength(2);
    expect(f.gateway.books().events.byPriority().normal.ended).toEqual({
      delivered: 1,
      failed: 1,
      refused: 2,
      withdrawn: 0,
      lost: 0,
    });
    expect(f.gateway.books().late).toBe(0);
    expect(f.freeBuffers).toBe(64);
  });

  it('too long is refused, and not sent afterwards', async () => {
    const held = await hold({ queueTimeoutMs: 150 });
    const { f, upstream } = held;
    const [first, second] = await queue(held, ['push', 'push']);
    expect(reasons([(await second) as Answered])).toEqual(['503 overloaded']);
    upstream.release();
    expect(reasons([(await first) as Answered])).toEqual(['202']);
    await f.gateway.settled();
    expect(upstream.arrivals).toHaveLength(1);
    expect(f.gateway.books().events.byPriority().normal.ended).toMatchObject({ delivered: 1, withdrawn: 1 });
    expect(f.freeBuffers).toBe(64);
  });

  it('is not sent where its sender has gone', async () => {
    const held = await hold();
    const { f, upstream } = held;
    const [first] = await queue(held, ['push']);
    const gone = await f.raw();
    gone.write(`${f.head('{"gone":true}')}{"gone":true}`);
    await f.until(() => f.gateway.events.metrics().accepted === 2);
    gone.socket.resetAndDestroy();
    await f.until(() => f.gateway.books().aborted === 1);
    await releaseAll(held, [first as Promise<Answered>]);
    await f.gateway.settled();
    expect(upstream.arrivals).toHaveLength(1);
    expect(f.gateway.books().events.byPriority().normal.ended).toMatchObject({ delivered: 1, withdrawn: 1 });
    expect(f.freeBuffers).toBe(64);
  });
});

describe('a worker that dies', () => {
  it('with the event of another: that one answers its sender, and the buffer is back', async () => {
    const held = await hold({ workers: 2 });
    const { f, upstream } = held;
    const { tickets } = f.gateway;
    const foreign = (): number | undefined =>
      tickets.deliveries().find(({ origin, taker }) => origin !== taker)?.taker;
    const answers: Promise<Answered | undefined>[] = [];
    for (let i = 0; i < 16; i++) answers.push(f.send().catch(() => undefined));
    await f.until(() => f.gateway.events.metrics().accepted === 16 && upstream.held === 2);
    // Which worker a connection comes to is chance, and so is who delivers for whom.
    while (foreign() === undefined) {
      const { length } = upstream.arrivals;
      upstream.release();
      await f.until(() => upstream.arrivals.length === length + 1);
    }
    await f.gateway.killWorker(foreign() as number);
    const ended = await releaseAll(held, answers);
    await f.gateway.settled();
    expect(ended.filter((answered) => answered?.reason === 'worker lost')).toHaveLength(1);
    expect(reasons(ended.filter((answered) => answered !== undefined)).toSorted()).toEqual(
      expect.arrayContaining(['503 worker lost']),
    );
    expect(f.gateway.books().events.lost).toBe(1);
    expect(f.freeBuffers).toBe(64);
    expectEveryEventToEnd(f);
  });

  it('takes its own events with it: nobody delivers what no sender would hear of', async () => {
    const held = await hold({ workers: 2 });
    const { f, upstream } = held;
    const answers: Promise<Answered | undefined>[] = [];
    for (let i = 0; i < 24; i++) answers.push(f.send().catch(() => undefined));
    await f.until(() => f.gateway.events.metrics().accepted === 24 && upstream.held === 2);
    await f.gateway.killWorker(0);
    await f.until(() => f.gateway.replacedWorkers === 1);
    const ended = await releaseAll(held, answers);
    await f.gateway.settled();
    const delivered = ended.filter((answered) => answered?.status === 202).length;
    const cut = ended.filter((answered) => answered === undefined).length;
    const { withdrawn, delivered: counted } = f.gateway.books().events.byPriority().normal.ended;
    expect(delivered).toBeLessThanOrEqual(counted);
    // Of the two that were being delivered, each may have been for either worker.
    expect(counted - delivered).toBeLessThanOrEqual(1);
    expect(withdrawn).toBeLessThanOrEqual(cut);
    expect(cut - withdrawn).toBeLessThanOrEqual(2);
    expect(upstream.arrivals.length).toBe(24 - withdrawn);
    expect(f.freeBuffers).toBe(64);
    expectEveryEventToEnd(f);
  });
});

describe('--breakers per-worker', () => {
  it('sends events through the same buffer, and asks the breaker of the worker that delivers', async () => {
    const held = await hold({
      breakers: 'per-worker',
      breaker: { failureThreshold: 1, resetTimeout: 60_000 },
    });
    const { f, upstream } = held;
    const answers = await queue(held, ['push', 'push', 'issues']);
    await f.until(() => upstream.held === 1);
    upstream.release(500);
    await f.until(() => upstream.arrivals.length === 2);
    upstream.release();
    expect(reasons(await Promise.all(answers))).toEqual(['503 upstream failed', '503 open', '202']);
    expect(f.gateway.endpoints().every(({ state }) => state === 'closed')).toBe(true);
    expect(f.gateway.books().events.byPriority().normal.ended).toMatchObject({
      delivered: 1,
      failed: 1,
      refused: 1,
    });
  });
});

/** Of what was accepted, nothing is left, and each has ended in one way: also where threads have died. */
function expectEveryEventToEnd(f: Fixture): void {
  const { accepted, taken } = f.gateway.events.metrics();
  const books = f.gateway.books();
  const { urgent, normal } = books.events.byPriority();
  const ended = [urgent, normal].flatMap((of) => Object.values(of.ended)).reduce((a, b) => a + b, 0);
  expect({ taken, counted: urgent.taken + normal.taken, ended: ended + books.events.lost }).toEqual({
    taken: accepted,
    counted: accepted,
    ended: accepted,
  });
}
