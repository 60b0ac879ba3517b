// The client's own books: what was sent, by kind; what came back, by kind and answer; how long it took.
import { createHistogram } from 'node:perf_hooks';
import { eventDigest } from '../event-digest.ts';
import { answerKey, EXPECTED, KINDS, type AnswerKey, type Kind } from './kinds.ts';

export interface Latency {
  readonly count: number;
  /** Milliseconds. A percentile with fewer than 10 samples beyond it is null: it would only be the maximum again. */
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
  readonly p999: number | null;
  readonly max: number | null;
}

export interface LoadTotals {
  readonly sent: Readonly<Record<Kind, number>>;
  readonly answers: Readonly<Record<Kind, Readonly<Record<AnswerKey, number>>>>;
  /** Answers that are not right for the kind of request, with one example each. */
  readonly unexpected: Readonly<Record<string, number>>;
  /** Refusals that must say when to come back, and did not. */
  readonly withoutRetryAfter: number;
  /** Requests whose connection ended before an answer. */
  readonly lost: number;
  /** Order-free digest of the delivery ids that were answered 202. */
  readonly acceptedDigest: number;
  readonly latency: { readonly all: Latency; readonly accepted: Latency; readonly refused: Latency };
}

const NS_PER_MS = 1e6;

export class Answers {
  readonly #sent = new Map<Kind, number>();
  readonly #answers = new Map<Kind, Map<AnswerKey, number>>();
  readonly #unexpected = new Map<string, number>();
  readonly #accepted = createHistogram({ figures: 3 });
  readonly #refused = createHistogram({ figures: 3 });
  readonly #all = createHistogram({ figures: 3 });
  #withoutRetryAfter = 0;
  #lost = 0;
  #acceptedDigest = 0;
  #sentTotal = 0;
  #answered = 0;

  send(kind: Kind): void {
    this.#sentTotal++;
    this.#sent.set(kind, (this.#sent.get(kind) ?? 0) + 1);
  }

  lose(requests: number): void {
    this.#lost += requests;
  }

  answer(kind: Kind, status: number, headers: Readonly<Record<string, unknown>>, deliveryId: string): void {
    this.#answered++;
    const reason = headers['x-gateway-reason'];
    const key = answerKey(status, typeof reason === 'string' ? reason : '');
    let ofKind = this.#answers.get(kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      this.#answers.set(kind, ofKind);
    }
    ofKind.set(key, (ofKind.get(key) ?? 0) + 1);
    if (!EXPECTED[kind].includes(key)) {
      const what = `${kind}: ${key.trim()}`;
      this.#unexpected.set(what, (this.#unexpected.get(what) ?? 0) + 1);
    }
    if ((status === 429 || status === 503) && !/^\d+$/.test(String(headers['retry-after'])))
      this.#withoutRetryAfter++;
    if (status === 202) this.#acceptedDigest += eventDigest(deliveryId);
  }

  time(status: number, milliseconds: number): void {
    const ns = Math.max(1, Math.round(milliseconds * NS_PER_MS));
    this.#all.record(ns);
    (status === 202 ? this.#accepted : this.#refused).record(ns);
  }

  progress(): { sent: number; answered: number } {
    return { sent: this.#sentTotal, answered: this.#answered };
  }

  totals(): LoadTotals {
    return {
      sent: byKind((kind) => this.#sent.get(kind) ?? 0),
      answers: byKind(
        (kind) => Object.fromEntries(this.#answers.get(kind) ?? []) as Record<AnswerKey, number>,
      ),
      unexpected: Object.fromEntries(this.#unexpected),
      withoutRetryAfter: this.#withoutRetryAfter,
      lost: this.#lost,
      acceptedDigest: this.#acceptedDigest,
      latency: {
        all: summary(this.#all),
        accepted: summary(this.#accepted),
        refused: summary(this.#refused),
      },
    };
  }
}

function byKind<T>(value: (kind: Kind) => T): Record<Kind, T> {
  return Object.fromEntries(KINDS.map((kind) => [kind, value(kind)])) as Record<Kind, T>;
}

type Histogram = ReturnType<typeof createHistogram>;

function summary(histogram: Histogram): Latency {
  const { count } = histogram;
  const ms = (percentile: number): number | null =>
    count * (1 - percentile / 100) >= 10 ? histogram.percentile(percentile) / NS_PER_MS : null;
  return {
    count,
    p50: ms(50),
    p90: ms(90),
    p99: ms(99),
    p999: ms(99.9),
    max: count > 0 ? histogram.max / NS_PER_MS : null,
  };
}
