// What the gateway tells about itself. All of it is read from shared memory: every worker shows the same.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { EventBuffer, StateMachine } from '@corelane/atomic-state';
import type { BufferPool } from '@corelane/buffer-pool';
import { contentTypeFor, type Registry } from '@corelane/perf-counters';
import { CLOCK_STALE_MS } from './readiness.ts';
import { replyText } from './reply.ts';

export interface PagesParts {
  readonly registry: Registry;
  readonly machine: StateMachine;
  readonly pool: BufferPool;
  readonly events: EventBuffer;
}

export class Pages {
  readonly #parts: PagesParts;

  constructor(parts: PagesParts) {
    this.#parts = parts;
  }

  show(page: 'metrics' | 'health' | 'state', request: IncomingMessage, response: ServerResponse): void {
    const { machine } = this.#parts;
    switch (page) {
      case 'metrics':
        this.#showMetrics(request, response).catch((error: Error) => response.destroy(error));
        return;
      case 'health':
        this.#showHealth(response);
        return;
      case 'state':
        replyJson(response, 200, { endpoints: machine.snapshots() });
    }
  }

  /** In the format that the scraper asks for: OpenMetrics, or Prometheus text. */
  async #showMetrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { registry } = this.#parts;
    const contentType = contentTypeFor(request.headers.accept);
    const text = await registry.metrics({ contentType });
    replyText(response, 200, text, { 'content-type': contentType, vary: 'accept' });
  }

  #showHealth(response: ServerResponse): void {
    const { machine, pool, events } = this.#parts;
    const clockAgeMs = machine.clock.ageMs();
    const { available, capacity } = pool.stats();
    const ok = clockAgeMs <= CLOCK_STALE_MS;
    replyJson(response, ok ? 200 : 503, {
      status: ok ? 'ok' : 'clock stopped',
      clockAgeMs,
      buffers: { available, capacity },
      eventsWaiting: events.metrics().depth,
    });
  }
}

function replyJson(response: ServerResponse, status: number, value: unknown): void {
  replyText(response, status, `${JSON.stringify(value, null, 2)}\n`, { 'content-type': 'application/json' });
}
