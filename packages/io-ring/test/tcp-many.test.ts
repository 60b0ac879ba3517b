/** Many connections at once, and the example. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { TcpSocket } from '../src/index.ts';
import { listenerOf, sockets } from './connections.ts';
import { ringOf, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const execArgv = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];

test('300 connections at once each get their own bytes back, and none stays open', async () => {
  const CONNECTIONS = 300;
  const ring = ringOf({ entries: 512 });
  const listener = await listenerOf(ring, { noDelay: true });
  const { port } = listener.address;
  const before = sockets();
  const memory = shared(CONNECTIONS * 2 * 64);
  const view = (index: number): Uint8Array => memory.subarray(index * 64, (index + 1) * 64);
  const serving = (async (): Promise<void> => {
    const served: Promise<void>[] = [];
    for await (const socket of listener) {
      const mine = view(served.length);
      const serve = async (): Promise<void> => {
        for (let bytes = await socket.recv(mine); bytes > 0; bytes = await socket.recv(mine))
          await socket.send(mine.subarray(0, bytes));
        await socket.close();
      };
      served.push(serve());
      if (served.length === CONNECTIONS) break;
    }
    await Promise.all(served);
  })();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, index) => {
      const socket = await TcpSocket.connect(ring, { port, host: '127.0.0.1', noDelay: true });
      const mine = view(CONNECTIONS + index);
      for (let round = 0; round < 10; round++) {
        mine.fill((index + round) & 0xff);
        await socket.send(mine);
        mine.fill(0);
        expect(await socket.recv(mine, { inFull: true })).toBe(64);
        expect(mine.every((byte) => byte === ((index + round) & 0xff))).toBe(true);
      }
      await socket.close();
    }),
  );
  await serving;
  expect(ring.stats.inFlight).toBe(0);
  expect(sockets()).toBe(before);
});

test('connections wait in the backlog until they are accepted', async () => {
  const ring = ringOf();
  const listener = await listenerOf(ring, { backlog: 8 });
  const { port } = listener.address;
  const peers = Array.from({ length: 8 }, () => net.connect({ port, host: '127.0.0.1' }));
  await Promise.all(peers.map((peer) => once(peer, 'connect')));
  for (const peer of peers) {
    const socket = await listener.accept();
    expect(peers.map(({ localPort }) => localPort)).toContain(socket.remotePort);
    await socket.close();
    peer.destroy();
  }
});

test('a worker that is terminated closes its connections and its port', async () => {
  const program = path.join(import.meta.dirname, 'serving-thread.ts');
  const before = sockets();
  const ring = ringOf();
  for (let round = 0; round < 10; round++) {
    const worker = new Worker(program, { execArgv });
    const [port] = (await once(worker, 'message')) as [number];
    const ends = await Promise.all(
      Array.from({ length: 5 }, () => TcpSocket.connect(ring, { port, host: '127.0.0.1' })),
    );
    await ends[0]?.send(shared(10));
    if (round % 2 === 0) await once(worker, 'message'); // all were accepted
    await worker.terminate();
    for (const end of ends) {
      const memory = shared(16);
      const last = await end.recv(memory).catch((error: { code: string }) => error.code);
      expect([0, 10, 'ECONNRESET']).toContain(last);
      await end.close();
    }
    await expect(TcpSocket.connect(ring, { port, host: '127.0.0.1' })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  }
  await turn();
  expect(sockets()).toBe(before);
}, 60_000);

test('the example echoes, to many, and ends when it is told', async () => {
  const example = path.join(import.meta.dirname, '..', 'examples', 'echo-server.ts');
  const server = spawn(process.execPath, [...execArgv, example], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const exit = once(server, 'exit');
  const [line] = (await once(server.stdout.setEncoding('utf8'), 'data')) as [string];
  const [, port, kind] = /^listening on (\d+), by (\w+)$/m.exec(line) ?? [];
  expect(kind).toBe(native ? 'io_uring' : 'fs');
  await Promise.all(
    Array.from({ length: 100 }, async (_, index) => {
      const peer = net.connect({ port: Number(port), host: '127.0.0.1' });
      const text = `${index}:${'x'.repeat(index * 500)}`;
      peer.end(text);
      const chunks: Buffer[] = [];
      for await (const chunk of peer) chunks.push(chunk as Buffer);
      expect(Buffer.concat(chunks).toString()).toBe(text);
    }),
  );
  server.kill('SIGINT');
  expect(await exit).toEqual([0, null]);
});

test('a port and a connection that nobody waits on keep no process alive; who waits does', async () => {
  const program = path.join(import.meta.dirname, 'idle-process.ts');
  const run = async (wait: string): Promise<[number | null, string]> => {
    const child = spawn(process.execPath, [...execArgv, program, wait], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    const exit = once(child, 'exit');
    let out = '';
    for await (const chunk of child.stdout.setEncoding('utf8')) out += chunk as string;
    return [((await exit) as [number | null])[0], out];
  };
  expect(await run('no')).toEqual([0, 'connected\n']);
  expect(await run('yes')).toEqual([0, 'connected\nERR_OPERATION_TIMEOUT\n']);
});
