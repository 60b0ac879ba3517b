// The process of an echo server: what is received on a connection is sent back.
import { createServer, type AddressInfo } from 'node:net';
import { IoRing, TcpListener, type TcpSocket } from '@corelane/io-ring';
import { serveRequests } from '../../companion.ts';
import { NotMeasurableError } from '../../errors.ts';
import { allocate } from './blocks.ts';

export type EchoRequest =
  | { readonly type: 'serve'; readonly how: 'ring' | 'net' }
  | { readonly type: 'spent' };

/** At least as many as connect. */
const CONNECTIONS = 1024;
const BUFFER_BYTES = 16 << 10;

async function echo(socket: TcpSocket, memory: Uint8Array): Promise<void> {
  try {
    for (let length = await socket.recv(memory); length > 0; length = await socket.recv(memory))
      await socket.send(memory, { length });
  } finally {
    await socket.close();
  }
}

async function serveOnRing(): Promise<number> {
  const ring = IoRing.open({ entries: CONNECTIONS });
  const { kind, reason } = ring.backend;
  if (kind !== 'io_uring') throw new NotMeasurableError(reason);
  const listener = await TcpListener.listen(ring, { host: '127.0.0.1', noDelay: true });
  const memory = allocate(CONNECTIONS * BUFFER_BYTES);
  const free = Array.from({ length: CONNECTIONS }, (_, index) =>
    memory.subarray(index * BUFFER_BYTES, (index + 1) * BUFFER_BYTES),
  );
  const accept = async (): Promise<void> => {
    for await (const socket of listener) {
      const view = free.pop();
      if (view === undefined) throw new Error(`more than ${CONNECTIONS} connections`);
      void echo(socket, view)
        .catch(() => undefined) // the peer is gone, and says so itself where it was too early
        .finally(() => free.push(view));
    }
  };
  void accept();
  return listener.address.port;
}

async function serveOnNet(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => socket.write(chunk));
    socket.on('error', () => undefined); // as above
  });
  server.once('error', reject);
  server.listen(0, '127.0.0.1', resolve);
  await promise;
  return (server.address() as AddressInfo).port;
}

serveRequests(async (request: EchoRequest): Promise<{ port: number } | { cpuNs: number }> => {
  if (request.type === 'serve')
    return { port: await (request.how === 'ring' ? serveOnRing() : serveOnNet()) };
  const { user, system } = process.cpuUsage();
  return { cpuNs: (user + system) * 1000 };
});
