/** A thread that listens and has operations of sockets in flight until it is terminated. */
import { parentPort } from 'node:worker_threads';
import { IoRing, TcpListener } from '../src/index.ts';

const ring = IoRing.open();
const memory = new Uint8Array(new SharedArrayBuffer(1024));
const listener = await TcpListener.listen(ring, { host: '127.0.0.1' });
parentPort?.postMessage(listener.address.port);
let accepted = 0;
for await (const socket of listener) {
  const from = accepted * 16;
  socket.recv(memory.subarray(from, from + 16)).catch(() => undefined);
  if (++accepted === 5) parentPort?.postMessage('accepted');
}
