// One HTTP worker's listener: routes, Node's own limits against slow senders, and a close that cuts nothing off.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HealthHandler } from '@corelane/perf-counters/health';
import type { Intake } from './intake.ts';
import type { Settings } from './options.ts';
import type { Pages } from './pages.ts';
import { replyText } from './reply.ts';
import { routeOf } from './route.ts';

/** For senders to take the answers that they were sent. Guessed. */
const LATE_MS = 1000;

export interface HttpServerParts {
  readonly settings: Settings;
  readonly intake: Intake;
  readonly pages: Pages;
  /** Answers whether this worker may be sent webhooks. */
  readonly ready: HealthHandler;
}

export class HttpServer {
  readonly #parts: HttpServerParts;
  readonly #server: Server;

  constructor(parts: HttpServerParts) {
    this.#parts = parts;
    const { headersTimeoutMs, requestTimeoutMs } = parts.settings;
    this.#server = createServer(
      {
        headersTimeout: headersTimeoutMs,
        requestTimeout: requestTimeoutMs,
        // How often Node looks for connections over those limits; its default of 30 s would make them 30 s late.
        connectionsCheckingInterval: Math.max(50, Math.min(1000, Math.floor(headersTimeoutMs / 4))),
        keepAliveTimeout: 30_000,
        noDelay: true,
      },
      (request, response) => this.#handle(request, response),
    );
  }

  /** @param reusePort whether other workers listen on the same port @returns the port */
  async listen(port: number, reusePort: boolean): Promise<number> {
    // exclusive: a cluster is not what shares this port.
    this.#server.listen({ port, host: this.#parts.settings.host, exclusive: true, reusePort });
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no new connection, answers everything that has arrived, and resolves when the last connection is closed. */
  async close(): Promise<void> {
    // Closes the connections that wait for a request, too; the others end with their answer. It also ends Node's watch over slow
    // senders, which is why the time of a request is limited here once more; one that has arrived takes as long as its event does.
    const { intake, settings } = this.#parts;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    const patience = setTimeout(() => intake.cutUnfinished(), settings.requestTimeoutMs);
    await intake.drain();
    clearTimeout(patience);
    this.#server.closeIdleConnections();
    // What is left does not read its answer, or has sent half of its next request.
    const late = setTimeout(() => this.#server.closeAllConnections(), LATE_MS);
    await closed;
    clearTimeout(late);
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const { intake, pages, ready } = this.#parts;
    const route = routeOf(request.method, request.url ?? '/');
    switch (route.kind) {
      case 'hook':
        void intake.take(request, response, route.source, route.event);
        return;
      case 'ready':
        ready(request, response);
        return;
      case 'metrics':
      case 'health':
      case 'state':
        pages.show(route.kind, request, response);
        return;
      case 'wrong method':
        replyText(response, 405, `${request.method} is not for this path; ${route.allow} is\n`, {
          allow: route.allow,
        });
        return;
      case 'nothing':
        replyText(
          response,
          404,
          'there are POST /hooks/:source/:event, GET /metrics, GET /healthz, GET /readyz and GET /state\n',
        );
    }
  }
}
