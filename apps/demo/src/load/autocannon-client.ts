// What the counts need of autocannon's client beyond its documented options. Its `setupClient` hook hands us each client; we
// - stop it without cutting off a request: with `responseMax` at the number of requests made, it ends itself after the next answer;
// - mend its reconnection, which leaves the requests that were lost in the queue of expected answers, so that every later answer of
//   that connection would be taken for one of them, and would leave listeners on the old socket, so that an `end` followed by an
//   `error` would connect twice.
import type { Client } from 'autocannon';

/** The parts of autocannon 9's httpClient.js that are used here; test/load.test.ts fails when they change. */
interface ClientInternals {
  reqsMade: number;
  responseMax: number | undefined;
  conn: { destroyed: boolean } | undefined;
  pipelinedRequests: { size(): number };
  parser: { initialize(type: 'RESPONSE'): void };
  _connect(): void;
  _destroyConnection(): void;
  on(event: 'timeout', listener: () => void): void;
}

export class CannonClients {
  readonly #clients: ClientInternals[] = [];
  readonly #lose: (requests: number) => void;
  #stopping = false;

  /** @param lose is told how many requests a broken connection has cost */
  constructor(lose: (requests: number) => void) {
    this.#lose = lose;
  }

  /** autocannon's `setupClient`: called before the client connects. */
  readonly adopt = (client: Client): void => {
    const inner = client as unknown as ClientInternals;
    for (const name of ['_connect', '_destroyConnection'] as const) {
      if (typeof inner[name] !== 'function')
        throw new TypeError(`autocannon's client has no ${name}(): found ${typeof inner[name]}`);
    }
    this.#clients.push(inner);
    // It empties its queue itself before it reconnects after a time-out.
    inner.on('timeout', () => this.#lose(1));
    const connect = inner._connect.bind(inner);
    inner._connect = (): void => {
      if (inner.conn !== undefined) {
        this.#lose(inner.pipelinedRequests.size());
        inner._destroyConnection();
        inner.parser.initialize('RESPONSE');
      }
      connect();
      if (this.#stopping) this.#limit(inner);
    };
  };

  /** Lets every client finish the request that it has out, and end. */
  stop(): void {
    this.#stopping = true;
    for (const client of this.#clients) this.#limit(client);
  }

  #limit(client: ClientInternals): void {
    client.responseMax = Math.max(1, client.reqsMade);
  }
}
