import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BufferPool } from '@corelane/buffer-pool';
import { Registry } from '@corelane/perf-counters';
import { Arena } from '@corelane/shared-memory';
import { expect, it } from 'vitest';
import { Books, BooksReader } from '../src/gateway/books.ts';
import { Intake, type IntakeParts } from '../src/gateway/intake.ts';
import { settingsOf } from '../src/gateway/options.ts';
import { Reporter } from '../src/gateway/reporter.ts';

it('a defect of the gateway is answered 500, counted as such, and told once', async () => {
  const registry = Registry.create(Arena.create({ bytes: 16 << 20 }), { series: 8192 });
  const pool = {
    tryAcquire(): never {
      throw new Error('a defect');
    },
  } as unknown as BufferPool;
  const parts = {
    settings: settingsOf({ upstream: 'http://127.0.0.1:9' }, 2),
    books: new Books(registry, () => ''),
    pool,
    reporter: new Reporter(),
  };
  const intake = new Intake(parts as unknown as IntakeParts);
  const server = createServer(
    (request, response) => void intake.take(request, response, 'github', 'push'),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const warnings: string[] = [];
  const warn = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', warn);
  const send = (): Promise<Response> =>
    fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
      method: 'POST',
      body: '{}',
      headers: { 'x-github-delivery': '12345678', 'x-hub-signature-256': 'sha256=0' },
    });
  for (let i = 0; i < 3; i++) {
    const response = await send();
    expect([response.status, response.headers.get('x-gateway-reason')]).toEqual([500, 'internal error']);
    await response.arrayBuffer();
  }
  expect(new BooksReader(registry.read()).answers()).toMatchObject({ broken: 3, overloaded: 0 });
  expect(warnings).toEqual(['a defect']);
  process.off('warning', warn);
  server.closeAllConnections();
  server.close();
});
