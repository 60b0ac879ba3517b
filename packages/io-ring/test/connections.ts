/** Connections for tests: of two ends on a ring, or with node:net at the other end. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import { TcpListener, TcpSocket, type IoRing, type ListenOptions } from '../src/index.ts';
import { ringOf } from './files.ts';

export interface Pair {
  readonly ring: IoRing;
  readonly listener: TcpListener;
  readonly here: TcpSocket;
  readonly there: TcpSocket;
}

/** Closed when the test is over. */
export async function listenerOf(ring: IoRing, options: ListenOptions = {}): Promise<TcpListener> {
  const listener = await TcpListener.listen(ring, { host: '127.0.0.1', ...options });
  onTestFinished(() => listener.close());
  return listener;
}

/** Both ends on one ring. */
export async function pairOf(options: ListenOptions = {}): Promise<Pair> {
  const ring = ringOf();
  const listener = await listenerOf(ring, options);
  const { port, address } = listener.address;
  const [here, there] = await Promise.all([
    TcpSocket.connect(ring, { port, host: address }),
    listener.accept(),
  ]);
  onTestFinished(async () => {
    await here.close();
    await there.close();
  });
  return { ring, listener, here, there };
}

/** The other end is node:net's. */
export async function peerOf(): Promise<{ here: TcpSocket; peer: net.Socket; ring: IoRing }> {
  const ring = ringOf();
  const listener = await listenerOf(ring);
  const peer = net.connect({ port: listener.address.port, host: '127.0.0.1', allowHalfOpen: true });
  peer.on('error', () => {});
  const here = await listener.accept();
  onTestFinished(async () => {
    peer.destroy();
    await here.close();
  });
  return { here, peer, ring };
}

/** A port where nobody listens. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A port of who listens and never accepts: its thread sleeps, and its line is one long. */
export async function silentPort(): Promise<number> {
  const worker = new Worker(
    `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       require('node:worker_threads').parentPort.postMessage(server.address().port);
       Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
     });`,
    { eval: true },
  );
  onTestFinished(async () => void (await worker.terminate()));
  const [port] = (await once(worker, 'message')) as [number];
  return port;
}

/** Sockets that this process has open. */
export function sockets(): number {
  if (!fs.existsSync('/proc/self/fd')) return 0;
  return fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}
