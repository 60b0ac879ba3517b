import { describe, expect, it } from 'vitest';
import { Gateway } from '../src/gateway/gateway.ts';
import { Fixture } from './gateway-fixture.ts';

describe('pages', () => {
  it('GET /metrics: the same from every worker, and what was counted', async () => {
    const f = await Fixture.start();
    for (let i = 0; i < 20; i++) await f.request('GET', '/healthz', { fresh: true });
    for (let i = 0; i < 5; i++) await f.send();
    await f.send({ source: 'nobody' });
    await f.gateway.settled();
    const pages = await Promise.all(
      Array.from({ length: 16 }, () => f.request('GET', '/metrics', { fresh: true })),
    );
    // What threads tell of themselves may change from one page to the next.
    const counted = (text: string): string => text.match(/^gateway_.*$/gm)?.join('\n') ?? '';
    expect(new Set(pages.map(({ text }) => counted(text))).size).toBe(1);
    const [page] = pages;
    expect(page?.headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(page?.text).toContain('gateway_answers_total{endpoint="github/push",status="202",reason=""} 5');
    expect(page?.text).toContain('gateway_answers_total{endpoint="",status="404",reason="unknown source"} 1');
    expect(page?.text).toContain('gateway_request_seconds_count 6');
    for (const name of ['process_cpu_seconds_total', 'nodejs_heap_size_used_bytes', 'process_open_fds'])
      expect(page?.text).toMatch(new RegExp(`^${name} (?!0$)[0-9.e+]+$`, 'm'));
    // The supervisor, the HTTP workers, and whoever has checked a body.
    const heap = f.gateway.registry.read().metrics.find(({ name }) => name === 'nodejs_heap_size_used_bytes');
    expect(heap?.series[0]?.byWriter.length).toBeGreaterThan(1 + f.gateway.listeners.workers);
  });

  it('GET /metrics: OpenMetrics for the scraper that asks for it, Prometheus text for all others', async () => {
    const f = await Fixture.start();
    const scrape = async (accept: string): Promise<{ type: string; text: string }> => {
      const { headers, text } = await f.request('GET', '/metrics', { headers: { accept } });
      expect(headers['vary']).toBe('accept');
      return { type: String(headers['content-type']), text };
    };
    const asked = await scrape(
      'application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3',
    );
    expect(asked.type).toContain('application/openmetrics-text; version=1.0.0');
    expect(asked.text).toMatch(/\n# EOF\n$/);
    expect(asked.text).toContain('# TYPE gateway_answers counter\n');
    for (const accept of ['*/*', 'text/plain', 'text/html,*/*;q=0.8']) {
      const { type, text } = await scrape(accept);
      expect(type).toContain('text/plain; version=0.0.4');
      expect(text).not.toContain('# EOF');
      expect(text).toContain('# TYPE gateway_answers_total counter\n');
    }
  });

  it('GET /state: every endpoint with its decoded word', async () => {
    const f = await Fixture.start();
    await f.send();
    await f.send({ event: 'issues' });
    const { status, text } = await f.request('GET', '/state');
    expect(status).toBe(200);
    const { endpoints } = JSON.parse(text) as { endpoints: Record<string, unknown>[] };
    expect(endpoints.map(({ name }) => name)).toEqual(['github/push', 'github/issues']);
    expect(endpoints[0]).toMatchObject({
      state: 'closed',
      successes: 1,
      failures: 0,
      trips: 0,
      reopens: 0,
      era: 0,
    });
    expect(endpoints[0]?.['word']).toMatch(/^0x[0-9a-f]{16}$/);
  });

  it('GET /healthz: fine while the clock ticks', async () => {
    const f = await Fixture.shared();
    const { status, text } = await f.request('GET', '/healthz');
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({
      status: 'ok',
      buffers: { available: 16, capacity: 16 },
      eventsWaiting: { urgent: 0, normal: 0 },
    });
  });

  it('GET /readyz: 503 until every check has settled, then 200 with what they found', async () => {
    const f = await Fixture.shared();
    let answer = await f.request('GET', '/readyz');
    while (answer.status === 503) answer = await f.request('GET', '/readyz');
    expect(answer.status).toBe(200);
    const { monitor, isReady, checks } = JSON.parse(answer.text) as {
      monitor: string;
      isReady: boolean;
      checks: { name: string; standing: string; detail: string | null }[];
    };
    expect({ monitor, isReady }).toEqual({ monitor: 'gateway', isReady: true });
    expect(checks.map(({ name }) => name)).toEqual(['clock', 'buffers', 'loop-delay', 'memory']);
    expect(checks[1]).toMatchObject({ standing: 'ok', detail: '16 of 16 free' });
    expect((await f.request('POST', '/readyz')).status).toBe(405);
  });

  it('404 for other paths, 405 with Allow for other methods', async () => {
    const f = await Fixture.shared();
    for (const path of [
      '/',
      '/hooks',
      '/hooks/github',
      '/hooks/github/',
      '/hooks/github/push/more',
      '/metrics/',
      '/constructor',
    ])
      expect((await f.request('GET', path)).status).toBe(404);
    const wrong = await f.request('GET', '/hooks/github/push');
    expect([wrong.status, wrong.headers['allow']]).toEqual([405, 'POST']);
    expect((await f.request('PUT', '/hooks/github/push?x=1')).status).toBe(405);
    const post = await f.request('POST', '/metrics');
    expect([post.status, post.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});

describe('listeners', () => {
  it('a gateway does not share its port with a stranger', async () => {
    const f = await Fixture.start();
    const port = Number(new URL(f.gateway.url).port);
    await expect(Gateway.start({ upstream: 'http://127.0.0.1:9', port })).rejects.toThrow(
      `port ${port} of 127.0.0.1 cannot be had`,
    );
  });

  it('where a port cannot be shared, one worker listens alone, and the gateway says so', async () => {
    const f = await Fixture.start({ reusePort: false, workers: 3 });
    expect(f.gateway.listeners).toMatchObject({ workers: 1, reusePort: false });
    expect((await f.send()).status).toBe(202);
  });
});
