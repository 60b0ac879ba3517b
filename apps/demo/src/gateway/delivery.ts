// Calls to the upstream: pooled keep-alive connections, one request at a time on each, a time-out, and an answer that says what is
// known about a call that failed.
import { Pool, errors } from 'undici';

/**
 * - `delivered`: answered 2xx.
 * - `refused`: answered something else.
 * - `unreachable`: no connection; the upstream saw nothing of it.
 * - `cut`: the connection ended without an answer; the upstream may have seen it.
 * - `timed out`: no answer in time; the upstream may have seen it.
 */
export type DeliveryResult = 'delivered' | 'refused' | 'unreachable' | 'cut' | 'timed out';

export interface Event {
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers: Record<string, string>;
}

export interface DeliveryOptions {
  readonly upstream: string;
  readonly connections: number;
  readonly timeoutMs: number;
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EADDRNOTAVAIL',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export class Delivery {
  readonly #pool: Pool;
  readonly #limit: number;
  readonly #timeoutMs: number;
  #inFlight = 0;

  constructor(options: DeliveryOptions) {
    this.#limit = options.connections;
    this.#timeoutMs = options.timeoutMs;
    this.#pool = new Pool(options.upstream, {
      connections: options.connections,
      pipelining: 1,
      connect: { timeout: options.timeoutMs },
      headersTimeout: options.timeoutMs,
      bodyTimeout: options.timeoutMs,
    });
  }

  /** Calls that are out now. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** True where one more would have to wait for a connection: a queue in front of a slow upstream only makes its failures late. */
  get isFull(): boolean {
    return this.#inFlight >= this.#limit;
  }

  /** Sends one event. The body must stay as it is until this resolves. Never rejects. */
  async send(event: Event): Promise<DeliveryResult> {
    this.#inFlight++;
    try {
      const { statusCode, body } = await this.#pool.request({
        method: 'POST',
        path: event.path,
        headers: event.headers,
        body: event.body,
        // undici's own time-outs begin again with each interim answer and each piece of the body.
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      await body.dump();
      return statusCode >= 200 && statusCode < 300 ? 'delivered' : 'refused';
    } catch (error) {
      return classify(error);
    } finally {
      this.#inFlight--;
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

function classify(error: unknown): DeliveryResult {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
    return 'timed out';
  const { code, name } = error as { code?: string; name?: string };
  if (name === 'TimeoutError') return 'timed out';
  return code !== undefined && UNREACHABLE.has(code) ? 'unreachable' : 'cut';
}
