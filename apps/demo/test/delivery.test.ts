import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { Delivery, type DeliveryResult } from '../src/gateway/delivery.ts';

/** A delivery with 200 ms to an upstream that answers as `answer` does, again and again, faster than that. */
async function deliverTo(answer: (response: ServerResponse) => void): Promise<DeliveryResult> {
  const timers: NodeJS.Timeout[] = [];
  const server = createServer((_request, response) => {
    timers.push(setInterval(() => answer(response), 20));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const upstream = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const delivery = new Delivery({ upstream, connections: 1, timeoutMs: 200 });
  try {
    return await delivery.send({ path: '/', body: Buffer.from('{}'), headers: {} });
  } finally {
    for (const timer of timers) clearInterval(timer);
    server.closeAllConnections();
    server.close();
    await delivery.close();
  }
}

describe('a delivery', () => {
  it('times out where the upstream says for ever that it is about to answer', async () => {
    const early = (response: ServerResponse): void =>
      response.writeEarlyHints({ link: '</a>; rel=preload; as=style' });
    expect(await deliverTo(early)).toBe('timed out');
  });

  it('is over in its time where an accepting answer never ends', async () => {
    expect(await deliverTo((response) => void response.write('x'))).toBe('delivered');
  });
});
