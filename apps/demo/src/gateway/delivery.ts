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
  /** Calls at a time, at most; more would wait here, out of their order. */
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
  readonly #timeoutMs: number;

  constructor(options: DeliveryOptions) {
    this.#timeoutMs = options.timeoutMs;
    this.#pool = new Pool(options.upstream, {
      connections: options.connections,
      pipelining: 1,
      connect: { timeout: options.timeoutMs },
      // Behind the time-out of each call, which is the one that counts.
      headersTimeout: 2 * options.timeoutMs,
      bodyTimeout: 2 * options.timeoutMs,
    });
  }

  /** Sends one event. The body must stay as it is until this resolves. Never rejects. */
  async send(event: Event): Promise<DeliveryResult> {
    const controller = new AbortController();
    const timer = setTimeout(() => endLate(controller), this.#timeoutMs);
    try {
      const { statusCode, body } = await this.#pool.request({
        method: 'POST',
        path: event.path,
        headers: event.headers,
        body: event.body,
        // undici's own time-outs begin again with each interim answer and each piece of the body.
        signal: controller.signal,
      });
      await body.dump();
      return statusCode >= 200 && statusCode < 300 ? 'delivered' : 'refused';
    } catch (error) {
      return classify(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

/**
 * Where this thread had no CPU for a while, the answer may be there and only not read yet: timers come first in a turn of the event loop,
 * sockets next, and what is set immediate last.
 */
function endLate(controller: AbortController): void {
  setImmediate(() => controller.abort(new DOMException('no answer in time', 'TimeoutError')));
}

function classify(error: unknown): DeliveryResult {
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError)
    return 'timed out';
  const { code, name } = error as { code?: string; name?: string };
  if (name === 'TimeoutError') return 'timed out';
  return code !== undefined && UNREACHABLE.has(code) ? 'unreachable' : 'cut';
}
