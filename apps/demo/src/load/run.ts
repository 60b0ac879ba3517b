// The load: autocannon's clients, our requests, our books. Closed loop: each connection sends its next request when it has the answer
// to the last one, so that latency is that of a service under this many concurrent senders, not of an arrival rate.
import autocannon, { type Result } from 'autocannon';
import { monotonicMs } from '../monotonic.ts';
import { Answers, type LoadTotals } from './answers.ts';
import { CannonClients } from './autocannon-client.ts';
import { DeliveryIds } from './delivery-ids.ts';
import { Mix } from './mix.ts';
import { githubPayloads, payloadsFrom } from './payloads.ts';
import { buildTemplates, type Template } from './templates.ts';

export interface LoadOptions {
  readonly url: string;
  readonly durationMs: number;
  readonly connections: number;
  readonly source: string;
  readonly secret: string;
  /** Directory of JSON files; GitHub's examples by default. */
  readonly payloads?: string;
  readonly maxBodyBytes: number;
  readonly floodEvent: string;
  /** Whether a share of the requests is hostile. */
  readonly hostile: boolean;
  readonly seed: number;
}

export interface LoadEvents {
  /** Called when everything is prepared and the first request is about to go out. */
  readonly onBegin?: (atMs: number) => void;
}

export interface LoadResult extends LoadTotals {
  /** From the first request to the last answer, in milliseconds. */
  readonly elapsedMs: number;
  /** Distinct payloads sent from. */
  readonly payloads: number;
  /** autocannon's own counts, which the books above must agree with. */
  readonly autocannon: {
    readonly answers: number;
    readonly byStatus: Readonly<Record<string, number>>;
    readonly timeouts: number;
  };
}

/** The state of one client between `setupRequest` and `onResponse`. */
interface Context {
  template?: Template;
  deliveryId?: string;
}

/** Longer than any run: the clients end themselves. */
const FOREVER_S = 86_400;

export class Load {
  readonly #options: LoadOptions & LoadEvents;
  readonly #answers = new Answers();
  readonly #clients: CannonClients;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LoadOptions & LoadEvents) {
    this.#options = options;
    this.#clients = new CannonClients((requests) => this.#answers.lose(requests));
  }

  progress(): { sent: number; answered: number } {
    return this.#answers.progress();
  }

  /** Sends no new request. `run` resolves when the answers to those that are out have come in. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#clients.stop();
  }

  async run(): Promise<LoadResult> {
    const { url, durationMs, connections, payloads: directory } = this.#options;
    const payloads = directory === undefined ? githubPayloads() : payloadsFrom(directory);
    const mix = new Mix(buildTemplates({ ...this.#options, payloads }), this.#options);
    const ids = new DeliveryIds();
    const beganMs = monotonicMs();
    this.#options.onBegin?.(beganMs);
    const finished = Promise.withResolvers<Result>();
    const options: autocannon.Options = {
      url,
      connections,
      duration: FOREVER_S,
      setupClient: this.#clients.adopt,
      requests: [
        {
          setupRequest: (request, context) => {
            const template = mix.next();
            const deliveryId = template.deliveryId ?? ids.next();
            Object.assign(context as Context, { template, deliveryId });
            this.#answers.send(template.kind);
            const headers = { ...template.headers, 'x-github-delivery': deliveryId };
            return { ...request, method: 'POST', path: template.path, headers, body: template.body };
          },
          onResponse: (status, _body, context, headers) => {
            const { template, deliveryId } = context as Required<Context>;
            this.#answers.answer(template.kind, status, lowerCased(headers ?? {}), deliveryId);
          },
        },
      ],
    };
    const cannon = autocannon(options, (error: unknown, result) => {
      if (error) finished.reject(error);
      else finished.resolve(result);
    });
    let lastAnswerMs = beganMs;
    cannon.on('response', (_client, status, _bytes, milliseconds) => {
      this.#answers.time(status, milliseconds);
      lastAnswerMs = monotonicMs();
    });
    this.#timer = setTimeout(() => this.stop(), durationMs);
    const { statusCodeStats = {}, timeouts } = await finished.promise;
    const byStatus = Object.entries(statusCodeStats).map(([code, { count = 0 }]) => [code, count] as const);
    return {
      ...this.#answers.totals(),
      // autocannon looks once a second whether its clients have ended.
      elapsedMs: lastAnswerMs - beganMs,
      payloads: payloads.length,
      autocannon: {
        answers: byStatus.reduce((sum, [, count]) => sum + count, 0),
        byStatus: Object.fromEntries(byStatus),
        timeouts,
      },
    };
  }
}

function lowerCased(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
