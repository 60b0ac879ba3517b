// What the gateway counts, in the shared registry: every thread writes slots of its own, whoever reads sums them. This is what
// /metrics shows and what the conservation check is fed with.
import { recordOutcomeName, type RecordOutcome } from '@corelane/atomic-state';
import type { Counter, Family, Gauge, Registry, RegistrySnapshot, Timer } from '@corelane/perf-counters';
import { ANSWER_NAMES, ANSWERS, type AnswerName } from './answer.ts';
import type { DeliveryResult } from './delivery.ts';
import { guardFigures, type GuardFormatFigures } from './guard-book.ts';
import { EventBooks, EventBooksReader } from './event-books.ts';
import { totalOf, valuesOf } from './snapshot-values.ts';

/** Answers to who has not proved who he is carry no endpoint: else strangers could fill the registry with names. */
export const NO_ENDPOINT = -1;

const ANSWERS_TOTAL = 'gateway_answers_total';
const CALLS_TOTAL = 'gateway_upstream_calls_total';
const RECORDS_TOTAL = 'gateway_records_total';
const PROBES_TOTAL = 'gateway_probes_total';
const LATE_TOTAL = 'gateway_late_calls_total';
const ABORTED_TOTAL = 'gateway_aborted_total';
const CHECKS_STARTED = 'gateway_checks_submitted_total';
const CHECKS_ABANDONED = 'gateway_checks_abandoned_total';
const VERDICTS_TOTAL = 'gateway_verdicts_total';
const IN_HAND = 'gateway_requests_in_hand';
const CHECKS_ENDED = 'gateway_checks_finished_total';

/** 256 endpoints × 16 answers. */
const ANSWER_SERIES = 4096;

export class Books {
  readonly probes: Counter;
  /** Results of calls that were out when the breaker of their endpoint opened. */
  readonly late: Counter;
  readonly aborted: Counter;
  readonly checksSubmitted: Counter;
  readonly checksFinished: Counter;
  /** Checks that were given up for time, or with their thread: they may have been made all the same. */
  readonly checksAbandoned: Counter;
  /** Checks that came to a verdict. */
  readonly verdicts: Counter;
  /** A gauge, not a count up and down: what a thread had in hand when it died is not in hand any more. */
  readonly inHand: Gauge;
  readonly events: EventBooks;
  readonly requestTime: Timer;
  readonly checkTime: Timer;
  readonly #answers: Family<Counter, readonly ['endpoint', 'status', 'reason']>;
  readonly #calls: Family<Counter, readonly ['result']>;
  readonly #records: Family<Counter, readonly ['outcome']>;
  readonly #nameOf: (endpoint: number) => string;
  /** By endpoint + 1, then by answer. */
  readonly #byEndpoint: (Partial<Record<AnswerName, Counter>> | undefined)[] = [];

  /** @param nameOf an endpoint's name */
  constructor(registry: Registry, nameOf: (endpoint: number) => string) {
    this.#nameOf = nameOf;
    this.#answers = registry.counter({
      name: ANSWERS_TOTAL,
      help: 'Answers to webhooks, by endpoint (empty where the sender was not known), status and reason.',
      labels: ['endpoint', 'status', 'reason'],
      maxSeries: ANSWER_SERIES,
    });
    this.#calls = registry.counter({
      name: CALLS_TOTAL,
      help: 'Calls to the upstream, by result.',
      labels: ['result'],
    });
    this.#records = registry.counter({
      name: RECORDS_TOTAL,
      help: 'Results recorded in state words, by what that did.',
      labels: ['outcome'],
    });
    const counter = (name: string, help: string): Counter => registry.counter({ name, help });
    this.probes = counter(PROBES_TOTAL, 'Calls admitted as half-open probes.');
    this.late = counter(LATE_TOTAL, 'Calls that were in flight when the breaker of their endpoint opened.');
    this.aborted = counter(ABORTED_TOTAL, 'Requests whose sender went away before the answer.');
    this.checksSubmitted = counter(CHECKS_STARTED, 'Bodies given to the scheduler to be checked.');
    this.checksFinished = counter(CHECKS_ENDED, 'Bodies whose check has ended, in whatever way.');
    this.checksAbandoned = counter(
      CHECKS_ABANDONED,
      'Checks of bodies that were given up for time, or with their thread.',
    );
    this.verdicts = counter(VERDICTS_TOTAL, 'Checks of bodies that came to a verdict.');
    this.inHand = registry.gauge({ name: IN_HAND, help: 'Webhooks being handled.' });
    this.events = new EventBooks(registry);
    this.requestTime = registry.timer({
      name: 'gateway_request_seconds',
      help: 'From the headers of a webhook to its answer.',
    });
    this.checkTime = registry.timer({
      name: 'gateway_check_seconds',
      help: 'Checks of a body, with waiting for a thread.',
    });
  }

  answer(endpoint: number, name: AnswerName): void {
    const counters = (this.#byEndpoint[endpoint + 1] ??= {});
    let counter = counters[name];
    if (counter === undefined) {
      const { status, reason } = ANSWERS[name];
      counter = this.#answers.labels(endpoint === NO_ENDPOINT ? '' : this.#nameOf(endpoint), status, reason);
      counters[name] = counter;
    }
    counter.inc();
  }

  call(result: DeliveryResult): void {
    this.#calls.labels(result).inc();
  }

  record(outcome: RecordOutcome): void {
    this.#records.labels(recordOutcomeName(outcome)).inc();
  }
}

/** The counters of a snapshot, by what they are labelled with. */
export class BooksReader {
  readonly events: EventBooksReader;
  readonly #snapshot: RegistrySnapshot;

  constructor(snapshot: RegistrySnapshot) {
    this.#snapshot = snapshot;
    this.events = new EventBooksReader(snapshot);
  }

  answers(): Record<AnswerName, number> {
    const answers = Object.fromEntries(ANSWER_NAMES.map((name) => [name, 0])) as Record<AnswerName, number>;
    for (const { labels, value } of valuesOf(this.#snapshot, ANSWERS_TOTAL))
      answers[nameOfAnswer(labels)] += value;
    return answers;
  }

  /** By endpoint. */
  answersByEndpoint(): Record<string, Partial<Record<AnswerName, number>>> {
    const endpoints: Record<string, Partial<Record<AnswerName, number>>> = {};
    for (const { labels, value } of valuesOf(this.#snapshot, ANSWERS_TOTAL)) {
      const { endpoint = '' } = labels;
      if (endpoint === '' || value === 0) continue;
      (endpoints[endpoint] ??= {})[nameOfAnswer(labels)] = value;
    }
    return endpoints;
  }

  calls(): Record<DeliveryResult, number> {
    return {
      delivered: 0,
      refused: 0,
      unreachable: 0,
      cut: 0,
      'timed out': 0,
      ...this.#byLabel(CALLS_TOTAL, 'result'),
    };
  }

  records(): Record<'counted' | 'tripped' | 'closed' | 'reopened' | 'stale', number> {
    return {
      counted: 0,
      tripped: 0,
      closed: 0,
      reopened: 0,
      stale: 0,
      ...this.#byLabel(RECORDS_TOTAL, 'outcome'),
    };
  }

  get probes(): number {
    return totalOf(this.#snapshot, PROBES_TOTAL);
  }

  get late(): number {
    return totalOf(this.#snapshot, LATE_TOTAL);
  }

  get aborted(): number {
    return totalOf(this.#snapshot, ABORTED_TOTAL);
  }

  /** Webhooks being handled. */
  get inHand(): number {
    return totalOf(this.#snapshot, IN_HAND);
  }

  get checks(): { submitted: number; finished: number; verdicts: number; abandoned: number } {
    return {
      submitted: totalOf(this.#snapshot, CHECKS_STARTED),
      finished: totalOf(this.#snapshot, CHECKS_ENDED),
      verdicts: totalOf(this.#snapshot, VERDICTS_TOTAL),
      abandoned: totalOf(this.#snapshot, CHECKS_ABANDONED),
    };
  }

  /** What the guards of the check threads have found, by format. */
  guard(): Record<string, GuardFormatFigures> {
    return guardFigures(this.#snapshot);
  }

  #byLabel(metric: string, label: string): Record<string, number> {
    return Object.fromEntries(
      valuesOf(this.#snapshot, metric).map(({ labels, value }) => [labels[label], value]),
    );
  }
}

function nameOfAnswer(labels: Readonly<Record<string, string>>): AnswerName {
  const { status, reason } = labels;
  const name = ANSWER_NAMES.find(
    (each) => String(ANSWERS[each].status) === status && ANSWERS[each].reason === reason,
  );
  if (name === undefined)
    throw new RangeError(`answer ${status} ${JSON.stringify(reason)}: expected one of the gateway's`);
  return name;
}
