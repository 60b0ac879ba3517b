// Clients and servers that do not keep to the protocol, or to what is reasonable.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RegistrySnapshot } from '../../src/index.ts';
import { connectSnapshots, serveSnapshots, type SnapshotServer } from '../../src/socket/index.ts';
import { newRegistry, useOwnTemporaryFolder } from './scene.ts';

const folder = useOwnTemporaryFolder();

const SNAPSHOT: RegistrySnapshot = newRegistry().read();
const LARGE: RegistrySnapshot = { ...SNAPSHOT, ...{ filler: 'x'.repeat(1 << 22) } };

function serve(
  path: string,
  source: { read(): RegistrySnapshot } = { read: () => SNAPSHOT },
): Promise<SnapshotServer> {
  return serveSnapshots(source, {
    path: join(folder.path, path),
    minIntervalMs: 0,
    drainTimeoutMs: 50,
    maxClients: 2,
  });
}

function raw(path: string): Socket {
  return connect(path).on('error', () => {});
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

test.for([
  ['a line that is not JSON', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  ['JSON that is no object', '[1]\n'],
  ['a line without an end', 'x'.repeat(5000)],
  ['bytes that are no UTF-8', Buffer.from([0xff, 0xfe, 0x0a])],
  ['deep JSON', `${'['.repeat(1000)}\n`],
  ['an id that is an object', '{"get":"snapshot","id":{}}\n'],
] as const)(
  'a client that sends %s is told so and dropped, and others are served',
  async ([, bytes], { task }) => {
    await using server = await serve(`${task.id}.sock`);
    using other = await connectSnapshots(server.path);
    const socket = raw(server.path);
    socket.write(bytes);
    const lines = (await textOf(socket)).trim().split('\n');
    expect(JSON.parse(lines.at(-1) as string)).toMatchObject({ error: { code: 'ERR_SNAPSHOT_PROTOCOL' } });
    expect(await other.snapshot()).toEqual(SNAPSHOT);
    expect(server.counts()).toMatchObject({ foreign: 1, slow: 0, accepted: 2 });
  },
);

test('a request that is not known is answered with an error, and the connection goes on', async () => {
  await using server = await serve('unknown.sock');
  const socket = raw(server.path).setEncoding('utf8');
  socket.write('{"get":"secrets","id":"a"}\n{"every":-1,"id":2}\n{"every":"x"}\n{"every":0,"id":3}\n');
  let text = '';
  while (!text.includes('"every":0')) text += String((await once(socket, 'data'))[0]);
  socket.destroy();
  const answers = text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => JSON.parse(line) as object);
  expect(answers).toMatchObject([
    { id: 'a', error: { code: 'ERR_SNAPSHOT_REQUEST' } },
    { id: 2, error: { code: 'ERR_SNAPSHOT_REQUEST' } },
    { error: { code: 'ERR_SNAPSHOT_REQUEST' } },
    { id: 3, every: 0 },
  ]);
});

test('a client that does not read is dropped, and what it asked for is not read for it', async () => {
  let reads = 0;
  await using server = await serve('slow.sock', { read: () => (reads++, LARGE) });
  const socket = raw(server.path).pause();
  const requests = '{"every":1}\n' + '{"get":"snapshot"}\n'.repeat(1 << 15);
  socket.write(requests);
  let left = 0;
  while (server.counts().slow === 0) {
    left = socket.writableLength;
    await turnLoop();
  }
  expect(reads).toBeLessThanOrEqual(2);
  expect(left).toBeGreaterThan(requests.length / 2); // what it asks stays with it
  while (server.counts().clients > 0) await turnLoop();
  socket.destroy();
});

test('a server that stops waits no longer than its time-out for a client that does not read', async () => {
  const server = await serve('stops.sock', { read: () => LARGE });
  const socket = raw(server.path);
  await once(socket, 'data'); // the greeting
  socket.pause().write('{"get":"snapshot"}\n');
  await once(socket, 'readable'); // the answer is under way
  await server.close();
  expect(server.counts()).toMatchObject({ accepted: 1, slow: 1 });
  socket.destroy();
});

test('a server that stops waits no longer than its time-out for a client that has read all and does not leave', async () => {
  const server = await serve('stays.sock');
  const socket = connect({ path: server.path, allowHalfOpen: true });
  await once(socket, 'data');
  socket.resume();
  await server.close();
  expect(server.counts()).toMatchObject({ accepted: 1, slow: 1 });
  socket.destroy();
});

test('there are no more clients than allowed, and there is room again when one leaves', async () => {
  await using server = await serve('full.sock');
  using first = await connectSnapshots(server.path);
  const second = await connectSnapshots(server.path);
  await expect(connectSnapshots(server.path)).rejects.toMatchObject({
    code: 'ERR_SNAPSHOT_REFUSED',
    reason: 'ERR_SNAPSHOT_CLIENTS',
  });
  second[Symbol.dispose]();
  while (server.counts().clients > 1) await turnLoop();
  using third = await connectSnapshots(server.path);
  expect(await Promise.all([first.snapshot(), third.snapshot()])).toEqual([SNAPSHOT, SNAPSHOT]);
  expect(server.counts()).toEqual({ clients: 2, accepted: 3, refused: 1, slow: 0, foreign: 0 });
});

const HELLO = `{"protocol":"corelane-snapshots","version":1,"pid":1,"threadId":0,"title":"","node":"","startedAtMs":0,"minIntervalMs":0}\n`;

async function answering(
  path: string,
  text: string,
  ends = true,
): Promise<Server & AsyncDisposable & { readonly sockets: readonly Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}));
    if (ends) socket.end(text);
    else socket.resume().write(text);
  });
  server.listen(join(folder.path, path));
  await once(server, 'listening');
  return Object.assign(server, { sockets });
}

test.for([
  ['nothing', '', 'ERR_SNAPSHOT_CONNECTION'],
  ['another protocol', '220 mail.example ESMTP\n', 'ERR_SNAPSHOT_PROTOCOL'],
  ['another version', HELLO.replace('"version":1', '"version":2'), 'ERR_SNAPSHOT_PROTOCOL'],
  ['half a greeting', HELLO.replace('"pid":1,', ''), 'ERR_SNAPSHOT_PROTOCOL'],
  ['a line without an end', 'x'.repeat(5000), 'ERR_SNAPSHOT_PROTOCOL'],
  ['an error', '{"error":{"code":"ERR_X","message":"no"}}\n', 'ERR_SNAPSHOT_REFUSED'],
] as const)(
  'who connects to a server that greets with %s gets a typed error',
  async ([, text, code], { task }) => {
    await using server = await answering(`${task.id}.sock`, text);
    const path = server.address() as string;
    await expect(connectSnapshots(path, { maxSnapshotLength: 1024 })).rejects.toMatchObject({ code, path });
  },
);

test('a server is told when a loop over updates is left', async () => {
  const update = `{"every":1000,"snapshot":${JSON.stringify(SNAPSHOT)}}\n`;
  const { promise, resolve } = Promise.withResolvers<unknown>();
  await using server = createServer((socket) => {
    socket.on('error', () => {}).write(HELLO);
    createInterface(socket).on('line', (line) => {
      const request = JSON.parse(line) as { every: number };
      if (request.every === 1000) socket.write(update);
      else resolve(request);
    });
  });
  server.listen(join(folder.path, 'told.sock'));
  await once(server, 'listening');
  using client = await connectSnapshots(server.address() as string);
  for await (const _ of client.updates(1000)) break;
  expect(await promise).toMatchObject({ every: 0 });
});

test('updates more often than a server takes snapshots are refused', async () => {
  const path = join(folder.path, 'often.sock');
  await using _server = await serveSnapshots({ read: () => SNAPSHOT }, { path, minIntervalMs: 50 });
  const socket = raw(path).setEncoding('utf8');
  socket.write('{"every":49,"id":1}\n');
  let text = '';
  while (text.split('\n').length < 3) text += String((await once(socket, 'data'))[0]);
  socket.destroy();
  expect(JSON.parse(text.split('\n')[1] as string)).toEqual({
    id: 1,
    error: { code: 'ERR_ARGUMENT_RANGE', message: 'every is 49, expected 0 or at least 50' },
  });
});

test('a loop over updates goes on after an error of another request, and fails where what comes is foreign', async () => {
  const update = `{"every":1000,"snapshot":${JSON.stringify(SNAPSHOT)}}\n`;
  const other = '{"id":99,"error":{"code":"ERR_X","message":"of another"}}\n';
  await using server = await answering('loop.sock', HELLO, false);
  using client = await connectSnapshots(server.address() as string);
  const updates = client.updates(1000);
  const first = updates.next();
  for (const socket of server.sockets) socket.write(other + update);
  expect((await first).value).toEqual(SNAPSHOT);
  for (const socket of server.sockets) socket.write('what?\n');
  await expect(updates.next()).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_PROTOCOL' });
});

test('a server that does not greet in time is given up', async () => {
  const sockets: Socket[] = [];
  await using server = createServer((socket) => void sockets.push(socket));
  server.listen(join(folder.path, 'mute.sock'));
  await once(server, 'listening');
  const path = server.address() as string;
  await expect(connectSnapshots(path, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'ERR_SNAPSHOT_CONNECTION',
    message: `no snapshots from ${path}: no greeting within 20 ms`,
  });
  for (const socket of sockets) socket.destroy();
});

test.for([
  ['garbage', 'what?\n'],
  ['a snapshot of another shape', '{"id":1,"snapshot":{"metrics":1}}\n'],
  ['a metric without a name', '{"id":1,"snapshot":{"takenAtMs":1,"writers":[],"metrics":[{}]}}\n'],
  ['an error without a message', '{"id":1,"error":7}\n'],
] as const)('a server that goes on with %s fails all that waits, typed', async ([, text], { task }) => {
  await using server = await answering(`${task.id}.sock`, HELLO + text);
  const client = await connectSnapshots(server.address() as string);
  await expect(client.snapshot()).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_PROTOCOL' });
  expect(await client.ended).toBe('foreign');
  await expect(client.updates(1).next()).rejects.toMatchObject({ code: 'ERR_SNAPSHOT_PROTOCOL' });
});
