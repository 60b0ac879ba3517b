/** Connecting: a name to its addresses, one after the other, to a descriptor. */
import { IoArgumentError, OperationError, OperationTimeoutError } from '../errors.ts';
import { checkOpen, engineOf, runOn, type IoRing, type OperationOptions } from '../io-ring.ts';
import { OP } from '../layout.ts';
import { checkSignal, checkTimeout } from '../operation-options.ts';
import { Operation } from '../operation.ts';
import { checkPort, resolveHost, showEndpoint, type Endpoint } from './endpoint.ts';

export interface ConnectOptions extends OperationOptions {
  readonly port: number;
  /** A name or an address; of a name, one address after the other is tried. Default `localhost`. */
  readonly host?: string;
  /** Send without waiting for more (TCP_NODELAY). Default false. */
  readonly noDelay?: boolean;
}

/** A descriptor that is connected. As `TcpSocket.connect`. */
export async function connect(ring: IoRing, options: ConnectOptions): Promise<number> {
  const { port, host = 'localhost', noDelay = false, signal, timeoutMs } = options;
  checkPort(port, 1);
  if (typeof noDelay !== 'boolean') throw new IoArgumentError('noDelay', noDelay, 'true or false');
  checkTimeout(timeoutMs);
  checkSignal(signal);
  const until = timeoutMs === undefined ? Infinity : performance.now() + timeoutMs;
  let refused: unknown;
  for (const endpoint of await resolveHost(host, port, options))
    try {
      const leftMs = until - performance.now();
      if (leftMs < 0 && timeoutMs !== undefined && timeoutMs >= 0)
        throw new OperationTimeoutError(timeoutMs, 'connect');
      const limits = { signal, timeoutMs: timeoutMs === undefined ? undefined : leftMs };
      return await connectTo(ring, endpoint, noDelay, limits);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      refused = error;
    }
  throw refused;
}

async function connectTo(
  ring: IoRing,
  endpoint: Endpoint,
  noDelay: boolean,
  options: OperationOptions,
): Promise<number> {
  checkOpen(ring);
  const { sockets } = engineOf(ring);
  const operation = new Operation(OP.connect, 'connect');
  operation.path = showEndpoint(endpoint);
  operation.endpoint = endpoint;
  operation.fd = sockets.open(endpoint);
  try {
    if (noDelay) sockets.setNoDelay(operation.fd, true);
    await runOn(ring, operation, options);
    return operation.fd;
  } catch (error) {
    await engineOf(ring).closeDescriptor(operation.fd);
    throw error;
  }
}
