/** A process with a port and a connection that it does not use; with `yes`, it waits on them for a while. */
import { IoRing, type OperationTimeoutError, TcpListener, TcpSocket } from '../src/index.ts';

const ring = IoRing.open();
const listener = await TcpListener.listen(ring, { host: '127.0.0.1' });
const [here] = await Promise.all([
  TcpSocket.connect(ring, { host: '127.0.0.1', port: listener.address.port }),
  listener.accept(),
]);
console.log('connected');
if (process.argv[2] === 'yes')
  await here
    .recv(new Uint8Array(new SharedArrayBuffer(8)), { timeoutMs: 100 })
    .catch((error: OperationTimeoutError) => console.log(error.code));
