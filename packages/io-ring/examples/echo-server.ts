// Sends back what each connection sends: `node examples/echo-server.ts [port]` (then `nc localhost PORT`). Ends at SIGINT.
import { IoRing, TcpListener, type TcpSocket } from '@corelane/io-ring';

const MESSAGE_BYTES = 16_384;

/** Until the peer has sent all; then it is told the same. */
async function echo(socket: TcpSocket): Promise<void> {
  const memory = new Uint8Array(new SharedArrayBuffer(MESSAGE_BYTES));
  try {
    for (let bytes = await socket.recv(memory); bytes > 0; bytes = await socket.recv(memory))
      await socket.send(memory.subarray(0, bytes));
    await socket.shutdown();
  } finally {
    await socket.close();
  }
}

const ring = IoRing.open();
const listener = await TcpListener.listen(ring, { port: Number(process.argv[2] ?? 0), noDelay: true });
console.log(`listening on ${listener.address.port}, by ${ring.backend.kind}`);
process.once('SIGINT', () => void listener.close());
for await (const socket of listener)
  echo(socket).catch((error: Error) => console.error(`a connection failed: ${error.message}`));
await ring.close();
