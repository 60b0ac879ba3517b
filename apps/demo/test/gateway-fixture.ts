import { channel } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Agent, request } from 'undici';
import { afterAll, afterEach } from 'vitest';
import { Gateway } from '../src/gateway/gateway.ts';
import type { GatewayOptions } from '../src/gateway/options.ts';
import { DeliveryIds } from '../src/load/delivery-ids.ts';
import { sign } from '../src/load/signature.ts';
import { UpstreamStub } from '../src/upstream/stub.ts';

export const SECRET = 'a test secret';

export interface Sent {
  readonly source?: string;
  readonly event?: string;
  readonly body?: Uint8Array | string;
  /** Replace those of a good request; null removes one. */
  readonly headers?: Readonly<Record<string, string | null>>;
  readonly path?: string;
}

export interface Answered {
  readonly status: number;
  readonly reason: string;
  readonly retryAfter: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** What ends with the test, and what with the file. */
const ofTest: Fixture[] = [];
const ofFile = new Map<string, Promise<Fixture>>();

afterEach(async () => {
  for (const fixture of ofTest.splice(0)) await fixture.close();
});

afterAll(async () => {
  for (const fixture of ofFile.values()) await (await fixture).close();
  ofFile.clear();
});

export class Fixture {
  readonly upstream: UpstreamStub;
  readonly gateway: Gateway;
  readonly #agent = new Agent({ connections: 256 });
  readonly #ids = new DeliveryIds();

  private constructor(upstream: UpstreamStub, gateway: Gateway) {
    this.upstream = upstream;
    this.gateway = gateway;
  }

  /** A gateway before an upstream in this process; both end with the test. */
  static async start(options: Partial<GatewayOptions> = {}): Promise<Fixture> {
    const fixture = await Fixture.#make(options);
    ofTest.push(fixture);
    return fixture;
  }

  /** One that all tests of this file share which ask for the same options: starting one takes half a second. */
  static async shared(options: Partial<GatewayOptions> = {}): Promise<Fixture> {
    const key = JSON.stringify(options);
    let fixture = ofFile.get(key);
    if (fixture === undefined) {
      fixture = Fixture.#make(options);
      ofFile.set(key, fixture);
    }
    return await fixture;
  }

  static async #make(options: Partial<GatewayOptions>): Promise<Fixture> {
    const upstream = new UpstreamStub();
    const port = await upstream.listen();
    const gateway = await Gateway.start({
      upstream: `http://127.0.0.1:${port}`,
      sources: { github: { secret: SECRET } },
      workers: 2,
      checkThreads: 1,
      buffers: 16,
      ...options,
    });
    return new Fixture(upstream, gateway);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
    await this.gateway.close();
    await this.upstream.close();
  }

  /** A good webhook, but for what is given. */
  async send({
    source = 'github',
    event = 'push',
    body = '{"ok":true}',
    headers = {},
    path,
  }: Sent = {}): Promise<Answered> {
    const bytes = Buffer.from(body);
    const all = {
      'content-type': 'application/json',
      'x-github-delivery': this.#ids.next(),
      'x-hub-signature-256': sign(SECRET, bytes),
      ...headers,
    };
    const given = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null);
    return await this.request('POST', path ?? `/hooks/${source}/${event}`, {
      headers: Object.fromEntries(given),
      body: bytes,
    });
  }

  async request(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    options: { headers?: Record<string, string>; body?: Uint8Array; fresh?: boolean } = {},
  ): Promise<Answered> {
    const { fresh = false, ...rest } = options;
    const agent = fresh ? new Agent() : this.#agent;
    const { statusCode, headers, body } = await request(this.gateway.url + path, {
      method,
      ...rest,
      dispatcher: agent,
    });
    const text = await body.text();
    if (fresh) await agent.destroy();
    return {
      status: statusCode,
      reason: String(headers['x-gateway-reason'] ?? ''),
      retryAfter: headers['retry-after'] as string | undefined,
      headers,
      text,
    };
  }

  /** A connection to say anything on. */
  async raw(): Promise<RawConnection> {
    const { port, hostname } = new URL(this.gateway.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  /** Request line and headers of a good webhook with this body. */
  head(body: string, more: Readonly<Record<string, string>> = {}): string {
    const headers = {
      host: 'gateway',
      'x-github-delivery': this.#ids.next(),
      'x-hub-signature-256': sign(SECRET, Buffer.from(body)),
      'content-length': String(Buffer.byteLength(body)),
      ...more,
    };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `POST /hooks/github/push HTTP/1.1\r\n${lines.join('')}\r\n`;
  }

  /** Whether a connection is taken. */
  async listens(): Promise<boolean> {
    const { port, hostname } = new URL(this.gateway.url);
    const socket = connect(Number(port), hostname);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    socket.once('connect', () => resolve(true)).on('error', () => resolve(false));
    const listens = await promise;
    socket.destroy();
    return listens;
  }

  /** The next request that an HTTP server of this thread takes, as the upstream does; the threads of the gateway are others. */
  static nextArrival(): { readonly promise: Promise<void> } & Disposable {
    const arrived = Promise.withResolvers<void>();
    const requests = channel('http.server.request.start');
    const took = (): void => arrived.resolve(); // whoever awaits it goes on when the request has been counted
    requests.subscribe(took);
    return { promise: arrived.promise, [Symbol.dispose]: () => requests.unsubscribe(took) };
  }

  /** Waits until something holds; the vitest time-out ends it where it never does. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2));
  }

  get freeBuffers(): number {
    return this.gateway.pool.stats().available;
  }
}

export class RawConnection {
  readonly socket: Socket;
  #received = '';
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.#received += text));
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => void socket.once('close', () => resolve()));
  }

  get received(): string {
    return this.#received;
  }

  write(text: string): void {
    this.socket.write(text);
  }

  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.#received)) await new Promise((resolve) => setTimeout(resolve, 2));
    return this.#received;
  }
}
