import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { eventDigest } from '../src/event-digest.ts';
import { monotonicMs } from '../src/monotonic.ts';
import type { UpstreamTotals } from '../src/upstream/arrivals.ts';
import { RemoteUpstream } from '../src/upstream/remote.ts';
import { outageOf, parseScript, type Script } from '../src/upstream/schedule.ts';

async function post(
  origin: string,
  eventId: string,
  path = '/github/push',
  timeoutMs = 5000,
): Promise<number | string> {
  try {
    const response = await fetch(origin + path, {
      method: 'POST',
      body: '{}',
      headers: { 'x-event-id': eventId },
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.arrayBuffer();
    return response.status;
  } catch (error) {
    const { cause, name } = error as { cause?: { code?: string }; name: string };
    return cause?.code ?? name;
  }
}

async function until(
  upstream: RemoteUpstream,
  holds: (totals: UpstreamTotals) => boolean,
): Promise<UpstreamTotals> {
  for (;;) {
    const totals = await upstream.totals();
    if (holds(totals)) return totals;
  }
}

describe('the upstream', () => {
  it('counts what it received by event id: an event that came twice shows', async () => {
    await using upstream = await RemoteUpstream.start();
    expect(await post(upstream.origin, 'a')).toBe(200);
    expect(await post(upstream.origin, 'b')).toBe(200);
    expect(await post(upstream.origin, 'b', '/github/issues')).toBe(200);
    const totals = await upstream.totals();
    expect(totals).toMatchObject({ received: 3, delivered: 3, distinct: 2, duplicates: 1, dead: [] });
    expect(totals.deliveredDigest).toBe(eventDigest('a') + 2 * eventDigest('b'));
    expect(totals.byPath['/github/issues']).toEqual({ received: 1, delivered: 1 });
  });

  it('fails by its script, for the paths of the script only, and stamps every dead arrival', async () => {
    await using upstream = await RemoteUpstream.start();
    const outages = [
      { fromMs: 0, toMs: 60_000, mode: 'status 503', path: '/github/a' },
      { fromMs: 0, toMs: 60_000, mode: 'reset', path: '/github/b' },
      { fromMs: 0, toMs: 60_000, mode: 'hang', path: '/github/c' },
    ] as const;
    await upstream.run({ outages });
    const beganMs = monotonicMs();
    expect(await post(upstream.origin, '1', '/github/a')).toBe(503);
    expect(await post(upstream.origin, '2', '/github/b')).toBe('UND_ERR_SOCKET');
    expect(await post(upstream.origin, '3', '/github/c', 100)).toBe('TimeoutError');
    expect(await post(upstream.origin, '4', '/github/d')).toBe(200);
    const totals = await upstream.totals();
    expect(totals).toMatchObject({ received: 4, delivered: 1, failed: 1, cut: 1, hung: 1, abandoned: 0 });
    expect(totals.dead.map(({ eventId }) => eventId)).toEqual(['1', '2', '3']);
    for (const { atMs } of totals.dead) expect(atMs).toBeGreaterThan(beganMs);
    for (const { atMs } of totals.dead) expect(atMs).toBeLessThan(monotonicMs());
    await upstream.run({ outages: [] });
    expect(await post(upstream.origin, '5', '/github/a')).toBe(200);
    expect((await upstream.totals()).windows.every(({ endedMs }) => endedMs !== null)).toBe(true);
  });

  it('refuses connections for as long as the script says, counts what comes on open ones, and comes back', async () => {
    await using upstream = await RemoteUpstream.start();
    const { port, hostname } = new URL(upstream.origin);
    const open = connect(Number(port), hostname);
    await once(open, 'connect');
    await upstream.run({ outages: [{ fromMs: 0, toMs: 60_000, mode: 'refuse' }] });
    await until(upstream, ({ windows }) => windows.length === 1);
    expect(await post(upstream.origin, 'never')).toBe('ECONNREFUSED');
    open.write('POST /github/push HTTP/1.1\r\nhost: x\r\nx-event-id: open\r\ncontent-length: 0\r\n\r\n');
    await once(open, 'close');
    const totals = await upstream.totals();
    expect(totals).toMatchObject({ received: 1, cut: 1 });
    expect(totals.dead).toMatchObject([{ eventId: 'open', mode: 'refuse' }]);
    await upstream.run({ outages: [] });
    await until(upstream, ({ windows }) => windows[0]?.endedMs !== null);
    expect(await post(upstream.origin, 'again')).toBe(200);
  });

  it('ends with its parent: no process stays behind', async () => {
    const upstream = await RemoteUpstream.start();
    const { pid } = upstream;
    await upstream[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});

describe('a failure script', () => {
  const outage = { fromMs: 3000, toMs: 5000, mode: 'hang' } as const;

  it('is in force from its first millisecond up to its last', () => {
    const script: Script = { outages: [{ ...outage, path: '/github/push' }] };
    const at = (path: string, ms: number): string | undefined => outageOf(script, path, ms)?.mode;
    expect(at('/github/push', 2999.9)).toBeUndefined();
    expect(at('/github/push', 3000)).toBe('hang');
    expect(at('/github/push', 4999.9)).toBe('hang');
    expect(at('/github/push', 5000)).toBeUndefined();
    expect(at('/github/issues', 4000)).toBeUndefined();
  });

  it.each([
    [{ outages: 1 }, 'outages is 1'],
    [{ outages: [{ ...outage, toMs: 3000 }] }, 'outages[0].toMs is 3000, expected more than 3000'],
    [{ outages: [{ ...outage, mode: 'explode' }] }, 'outages[0].mode is "explode"'],
    [{ outages: [{ ...outage, mode: 'status 200' }] }, 'outages[0].mode is "status 200"'],
    [{ outages: [{ ...outage, mode: 'refuse', path: '/github' }] }, 'outages[0].path is "/github"'],
    [{ outages: [], delayMs: -1 }, 'delayMs is -1'],
    [null, 'script is null'],
  ])('that cannot be played is refused: %j', (json, message) => {
    expect(() => parseScript(json)).toThrow(message);
  });
});
