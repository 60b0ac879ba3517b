// An upstream that answers nothing until it is told to: what waits behind it is then known.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from 'vitest';

export interface Arrival {
  readonly event: string;
  readonly number: number;
  readonly priority: string;
  readonly id: string;
}

const open: HeldUpstream[] = [];

afterEach(() => {
  for (const upstream of open.splice(0)) upstream.close();
});

export class HeldUpstream {
  /** In the order in which they came. */
  readonly arrivals: Arrival[] = [];
  readonly #held: ServerResponse[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => this.#take(request, response));
    open.push(this);
  }

  static async start(): Promise<HeldUpstream> {
    const upstream = new HeldUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Calls that wait for their answer. */
  get held(): number {
    return this.#held.length;
  }

  /** Answers the call that waits longest. */
  release(status = 200): void {
    this.#held.shift()?.writeHead(status).end();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const { headers, url = '' } = request;
    request.resume().once('end', () => {
      this.arrivals.push({
        event: url.split('/').at(-1) ?? '',
        number: Number(headers['x-event-number']),
        priority: String(headers['x-event-priority']),
        id: String(headers['x-event-id']),
      });
      this.#held.push(response);
    });
    // A caller that is gone waits no more.
    response.once('close', () => {
      const at = this.#held.indexOf(response);
      if (at >= 0) this.#held.splice(at, 1);
    });
  }
}
