// The service behind the gateway, as a stub: takes POSTs, counts them, and fails when its script says so.
//
// In an outage nothing that has arrived goes uncounted. That is why `refuse` closes the listener but keeps the connections that are
// open: a request on one of those is read, counted and then cut off. Destroying them instead would lose requests that were already
// written by the gateway but not yet read here, and no count could tell.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Server as NetServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../monotonic.ts';
import { Arrivals, type EventMarks, type UpstreamTotals } from './arrivals.ts';
import { delayOf, outageOf, statusOf, type Outage, type OutageMode, type Script } from './schedule.ts';

export class UpstreamStub {
  readonly #server: Server;
  readonly #arrivals = new Arrivals();
  #script: Script = { outages: [] };
  #startedMs = 0;
  #timers: NodeJS.Timeout[] = [];
  #port = 0;
  /** Listening and closing, one after the other. */
  #listening: Promise<void> = Promise.resolve();
  #closed = false;

  constructor() {
    this.#server = createServer({ keepAlive: true, keepAliveTimeout: 120_000 }, (request, response) => {
      this.#take(request, response);
    });
    // A gateway thread that was killed leaves half a request: nothing of it was counted.
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  async listen(port = 0): Promise<number> {
    this.#server.listen({ port, host: '127.0.0.1' });
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  /** Starts a script; the times of its outages count from now. A script that was running ends. */
  run(script: Script): void {
    this.#stopScript();
    this.#script = script;
    this.#startedMs = monotonicMs();
    for (const outage of script.outages) {
      this.#timers.push(
        setTimeout(() => this.#begin(outage), outage.fromMs),
        setTimeout(() => this.#end(outage), outage.toMs),
      );
    }
  }

  totals(): UpstreamTotals {
    return this.#arrivals.totals();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#stopScript();
    await this.#listening;
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #stopScript(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers = [];
    const { outages } = this.#script;
    this.#script = { outages: [] };
    for (const outage of outages) this.#end(outage);
  }

  #begin(outage: Outage): void {
    const { mode, path = '/' } = outage;
    if (mode !== 'refuse') {
      this.#arrivals.windowBegan(mode, path, monotonicMs());
      return;
    }
    this.#listening = this.#stopListening(this.#listening, mode, path);
  }

  #end(outage: Outage): void {
    const { mode, path = '/' } = outage;
    this.#listening = this.#recover(this.#listening, mode, path);
  }

  async #stopListening(before: Promise<void>, mode: OutageMode, path: string): Promise<void> {
    await before;
    // The listener only: http's own close() also destroys the idle connections. Its callback would come when the last connection is
    // gone, but the port is free at once.
    NetServer.prototype.close.call(this.#server);
    this.#arrivals.windowBegan(mode, path, monotonicMs());
  }

  async #recover(before: Promise<void>, mode: OutageMode, path: string): Promise<void> {
    await before;
    if (mode === 'refuse' && !this.#closed) await this.#listenAgain();
    this.#arrivals.windowEnded(mode, path, monotonicMs());
  }

  async #listenAgain(): Promise<void> {
    // Another process may have been given the port for an outgoing connection: wait until it is free again.
    while (!this.#closed && !(await this.#tryToListen())) await sleep(20);
  }

  async #tryToListen(): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const failed = (): void => resolve(false);
    const listening = (): void => resolve(true);
    this.#server.once('error', failed).once('listening', listening);
    this.#server.listen({ port: this.#port, host: '127.0.0.1' });
    const isListening = await promise;
    this.#server.off('error', failed).off('listening', listening);
    return isListening;
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const atMs = monotonicMs();
    const path = request.url ?? '/';
    const eventId = eventIdOf(request);
    const marks = marksOf(request);
    this.#arrivals.receive(path, eventId, marks);
    const outage = outageOf(this.#script, path, atMs - this.#startedMs);
    if (outage === undefined) {
      this.#answer(request, response, 200);
      return;
    }
    const probe = request.headers['x-breaker-probe'] === '1';
    this.#arrivals.receiveDead({ atMs, path, eventId, mode: outage.mode, probe });
    const status = statusOf(outage.mode);
    if (status !== undefined) {
      this.#answer(request, response, status);
    } else if (outage.mode === 'hang') {
      request.resume();
      this.#arrivals.end(path, eventId, marks, 'hung');
    } else {
      this.#arrivals.end(path, eventId, marks, 'cut');
      request.socket.destroy();
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse, status: number): void {
    const path = request.url ?? '/';
    const eventId = eventIdOf(request);
    const marks = marksOf(request);
    const ending = status < 300 ? 'delivered' : 'failed';
    let ended = false;
    const end = (how: 'delivered' | 'failed' | 'abandoned'): void => {
      if (ended) return;
      ended = true;
      this.#arrivals.end(path, eventId, marks, how);
    };
    response.once('finish', () => end(ending));
    response.once('close', () => end('abandoned'));
    const send = (): void => {
      // A caller that has gone while this process had no CPU gets no answer, and counts none.
      if (response.destroyed) return;
      response.writeHead(status, { 'content-length': '0' });
      response.end();
    };
    request.resume();
    request.once('end', () => {
      const delayMs = delayOf(this.#script, monotonicMs() - this.#startedMs);
      if (delayMs > 0) setTimeout(send, delayMs);
      else setImmediate(send);
    });
  }
}

function eventIdOf({ headers }: IncomingMessage): string {
  return String(headers['x-event-id'] ?? '');
}

function marksOf({ headers }: IncomingMessage): EventMarks {
  const number = headers['x-event-number'];
  return {
    number: typeof number === 'string' ? Number(number) : undefined,
    urgent: headers['x-event-priority'] === 'urgent',
  };
}
