/** Whether several listeners of this machine can share one port, tried with real sockets. */
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import type { Verdict } from './capability.ts';
import { available, unavailable, unprivileged } from './capability.ts';

const CALL = "net listen({ host: '127.0.0.1', reusePort: true })";
const TIMEOUT_MS = 2000;

/**
 * Two listeners on one port: Node before 22.12 takes `reusePort` and does nothing with it, so that one listener alone proves
 * nothing. On platforms without SO_REUSEPORT for load balancing (macOS, Windows) the first one already fails.
 * @param reusePort false to see what a runtime does that ignores it.
 */
export async function probeReusePort(reusePort = true): Promise<Verdict> {
  const where = `${process.platform}, Node ${process.version}`;
  // Trying it would end the process: the error is thrown where nobody can catch it.
  if (netForbidden()) return unprivileged(`${CALL} needs --allow-net (${where})`);
  const servers: Server[] = [];
  try {
    const port = await listen(servers, 0, reusePort);
    await listen(servers, port, reusePort);
    return available(`two ${CALL} on one port both listened (${where})`);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const which = servers.length === 1 ? 'one' : 'a second one on its port';
    return unavailable(`${which} of ${CALL} failed with ${code} (${where}); needs two to listen`);
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }
}

/** Node's permission model, where it has the network among its permissions (Node 25). */
function netForbidden(): boolean {
  const { permission } = process as Partial<Pick<NodeJS.Process, 'permission'>>;
  return (
    permission !== undefined &&
    process.allowedNodeEnvironmentFlags.has('--allow-net') &&
    !permission.has('net')
  );
}

async function listen(servers: Server[], port: number, reusePort: boolean): Promise<number> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  server.once('error', reject).listen({ host: '127.0.0.1', port, exclusive: true, reusePort }, resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
  }
  return (server.address() as AddressInfo).port;
}
