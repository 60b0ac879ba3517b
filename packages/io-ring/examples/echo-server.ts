// Sends back what each connection sends: `node examples/echo-server.ts [port]`, then `nc localhost PORT`. SIGINT ends it, and the connections with it.
import { BufferPool } from '@corelane/buffer-pool';
import { IoRing, TcpListener, type TcpSocket } from '@corelane/io-ring';
import { Arena } from '@corelane/shared-memory';

const CONNECTIONS = 1024;
const BUFFER_BYTES = 16_384;

// One memory for all: a ring takes 64. What is not touched takes no room.
const arena = Arena.create({ bytes: CONNECTIONS * BUFFER_BYTES + (1 << 20) });
const pool = BufferPool.create(arena, { buffers: CONNECTIONS, bufferBytes: BUFFER_BYTES });
// A connection has one operation in flight: so many, and one for accepting.
const ring = IoRing.open({ entries: CONNECTIONS });
const listener = await TcpListener.listen(ring, { port: Number(process.argv[2] ?? 0), noDelay: true });
console.log(`listening on ${listener.address.port}, by ${ring.backend.kind}`);
process.once('SIGINT', () => void listener.close());

/** Until the peer has sent all; then it is told the same. */
async function echo(socket: TcpSocket): Promise<void> {
  const lease = await pool.acquire(); // waits while there are as many connections as buffers
  try {
    while ((await socket.recv(lease)) > 0) await socket.send(lease);
    await socket.shutdown();
  } finally {
    lease.release();
    await socket.close();
  }
}

for await (const socket of listener)
  echo(socket).catch((error: Error) => console.error(`a connection failed: ${error.message}`));
await ring.close();
