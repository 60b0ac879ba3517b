/** Connections for tests: of two ends on a ring, or with node:net at the other end. */
import net from 'node:net';
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
