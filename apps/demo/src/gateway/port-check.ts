import { once } from 'node:events';
import { createServer } from 'node:net';
import { PartError } from '../errors.ts';

/**
 * Makes sure that a port is ours: with `reusePort`, listening beside another process of the same user succeeds, and the two would
 * share the requests.
 * @throws PartError where something listens on it
 */
export async function checkPortIsFree(port: number, host: string): Promise<void> {
  const server = createServer();
  server.listen({ port, host, exclusive: true });
  try {
    await once(server, 'listening');
  } catch (cause) {
    throw new PartError('gateway', `port ${port} of ${host} cannot be had: ${(cause as Error).message}`, {
      cause,
    });
  }
  await new Promise((resolve) => server.close(resolve));
}
