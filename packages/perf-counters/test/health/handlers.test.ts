import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HealthMonitor, livenessHandler, readinessHandler } from '../../src/health/index.ts';
import { FakeClock } from './fake-clock.ts';

let server: Server | undefined;
afterEach(() => server?.close());

async function probes(
  monitor: HealthMonitor,
  details?: boolean,
): Promise<(path: string, method?: string) => Promise<Response>> {
  const options = details === undefined ? {} : { details };
  const ready = readinessHandler(monitor, options);
  const live = livenessHandler(monitor, options);
  server = createServer((request, response) => (request.url === '/ready' ? ready : live)(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return (path, method = 'GET') =>
    fetch(`http://127.0.0.1:${port}${path}`, { method, headers: { connection: 'close' } });
}

test('ready is 503 before, 200 while, and 503 when it is told to drain; live is 200 until it is disposed', async () => {
  const clock = new FakeClock();
  let value = 0;
  const check = {
    name: 'dial',
    warn: { at: 1, after: 1 },
    critical: { at: 2, after: 1 },
    measure: () => value,
  };
  const monitor = new HealthMonitor({ clock, checks: [check] });
  const ask = await probes(monitor);
  const seen: [string, number, number][] = [];
  const look = async (): Promise<void> => {
    const [ready, live] = [await ask('/ready'), await ask('/live')];
    const { state } = (await ready.json()) as { state: string };
    await live.body?.cancel();
    seen.push([state, ready.status, live.status]);
  };
  await look();
  await clock.pass(0);
  await look();
  value = 1.5;
  await clock.pass(1000);
  await look();
  value = 3;
  await clock.pass(1000);
  await look();
  monitor.drain();
  await look();
  monitor[Symbol.dispose]();
  await look();
  expect(seen).toEqual([
    ['starting', 503, 200],
    ['ready', 200, 200],
    ['degraded', 200, 200],
    ['unready', 503, 200],
    ['stopping', 503, 200],
    ['stopping', 503, 503],
  ]);
});

test('answers are never cached, HEAD has no body, and other methods are refused', async () => {
  const clock = new FakeClock();
  using monitor = new HealthMonitor({ clock, checks: [{ name: 'dial', warn: 1, measure: () => 0 }] });
  await clock.pass(0);
  const ask = await probes(monitor);
  const found = await ask('/ready');
  expect(found.headers.get('cache-control')).toBe('no-store');
  expect(found.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(await found.json()).toEqual(JSON.parse(JSON.stringify(monitor.report())));
  const head = await ask('/ready', 'HEAD');
  expect([head.status, await head.text()]).toEqual([200, '']);
  const post = await ask('/ready', 'POST');
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
});

test('without details strangers learn the state and the score alone', async () => {
  const clock = new FakeClock();
  using monitor = new HealthMonitor({ clock, checks: [{ name: 'secret', warn: 1, measure: () => 0 }] });
  await clock.pass(0);
  const ask = await probes(monitor, false);
  expect(await (await ask('/ready')).json()).toEqual({ state: 'ready', score: 100 });
  expect(() => readinessHandler(monitor, { detail: false } as never)).toThrow(
    'option of a handler is "detail"',
  );
  expect(() => readinessHandler(monitor, { details: 1 as never })).toThrow(
    'details is 1, expected a boolean',
  );
});
