/** Sends that are over at once: cheap, and fair to everything else on the thread. */
import { once } from 'node:events';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { TcpSocket } from '../src/index.ts';
import { freePort, peerOf } from './connections.ts';
import { ringOf, shared, turn } from './files.ts';

/** Reads all that comes, on a thread of its own: whoever sends never has to wait. */
async function reader(port: number): Promise<void> {
  const worker = new Worker(
    `const net = require('node:net');
     const { parentPort, workerData } = require('node:worker_threads');
     net.createServer((socket) => socket.resume().on('error', () => {})).listen(workerData, '127.0.0.1', () => parentPort.postMessage(0));`,
    { eval: true, workerData: port },
  );
  onTestFinished(async () => void (await worker.terminate()));
  await once(worker, 'message');
}

test('a loop of awaited sends to a fast reader leaves turns to the event loop', async () => {
  const port = await freePort();
  await reader(port);
  const ring = ringOf();
  await using socket = await TcpSocket.connect(ring, { host: '127.0.0.1', port });
  const memory = shared(64);
  const until = Date.now() + 5000;
  const fired: number[] = [];
  const timer = setInterval(() => fired.push(sends), 1);
  let sends = 0;
  while (fired.length < 3 && Date.now() < until) sends += (await socket.send(memory)) / 64;
  clearInterval(timer);
  expect(fired.length).toBeGreaterThanOrEqual(3);
  expect(socket.bytesSent).toBe(sends * 64);
  expect(ring.stats).toMatchObject({ inFlight: 0, started: sends + 1, completed: sends + 1, failed: 0 });
});

test('a send that is refused at once says why, and is counted', async () => {
  const { here, peer, ring } = await peerOf();
  await here.send(shared(8));
  await once(peer, 'readable');
  peer.resetAndDestroy();
  const memory = shared(8);
  const codes: string[] = [];
  for (let round = 0; round < 200 && codes.length < 2; round++) {
    await here.send(memory).catch((error: { code: string; syscall: string }) => {
      expect(error.syscall).toBe('send');
      codes.push(error.code);
    });
    await turn();
  }
  expect(codes[0]).toMatch(/^(ECONNRESET|EPIPE)$/);
  expect(codes[1]).toBe('EPIPE');
  expect(ring.stats.failed).toBe(2);
});

test('a send of which a part goes at once goes on with the rest, in order', async () => {
  const BYTES = 20 << 20;
  const server = net.createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const ring = ringOf();
  const connection = once(server, 'connection');
  await using socket = await TcpSocket.connect(ring, {
    host: '127.0.0.1',
    port: (server.address() as net.AddressInfo).port,
  });
  const [peer] = (await connection) as [net.Socket];
  const source = shared(BYTES);
  const words = new Uint32Array(source.buffer);
  for (let index = 0; index < words.length; index++) words[index] = index;
  const sending = socket.send(source);
  let received = 0;
  let wrong = 0;
  peer.on('data', (chunk: Buffer) => {
    if (Buffer.compare(chunk, source.subarray(received, received + chunk.length)) !== 0) wrong++;
    received += chunk.length;
  });
  const end = once(peer, 'end');
  expect(await sending).toBe(BYTES);
  await socket.shutdown();
  await end;
  expect({ received, wrong, sent: socket.bytesSent }).toEqual({ received: BYTES, wrong: 0, sent: BYTES });
  peer.destroy();
});
