// What is counted of events on their way: by the workers that put them into the event buffer, and by those that take them out.
import { Priority } from '@corelane/atomic-state';
import type { Counter, Gauge, Registry, RegistrySnapshot, Timer } from '@corelane/perf-counters';
import type { EventOutcome } from './event-outcome.ts';
import { timesOf, totalOf, valuesOf } from './snapshot-values.ts';

const EVENTS_ACCEPTED = 'gateway_events_accepted_total';
const EVENTS_TAKEN = 'gateway_events_taken_total';
const EVENTS_ENDED = 'gateway_events_total';
const EVENTS_LOST = 'gateway_events_lost_total';
const ACCEPTED_IDS = 'gateway_event_ids_accepted_sum';
const TAKEN_IDS = 'gateway_event_ids_taken_sum';
const HIGHEST_ID = 'gateway_event_id_highest';
const DELIVERIES = 'gateway_deliveries_in_flight';
const QUEUE_TIME = 'gateway_event_queue_seconds';
const EVENT_TIME = 'gateway_event_seconds';

export const PRIORITY_NAMES = ['urgent', 'normal'] as const;
export type PriorityName = (typeof PRIORITY_NAMES)[number];

/**
 * How an event ended that was taken out of the buffer: `failed`: the call was made and not answered 2xx; `refused`: its breaker had opened
 * since; `withdrawn`: its origin did not want it sent any more, or was dead; `lost`: a defect of the gateway.
 */
export const EVENT_ENDS = ['delivered', 'failed', 'refused', 'withdrawn', 'lost'] as const;
export type EventEnd = (typeof EVENT_ENDS)[number];

/** Milliseconds. */
export interface TimeFigures {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number | null;
}

export interface EventFigures {
  readonly accepted: number;
  readonly taken: number;
  readonly ended: Readonly<Record<EventEnd, number>>;
  /** From the buffer's acceptance to a deliverer. */
  readonly waitMs: TimeFigures;
  /** From the buffer's acceptance to the outcome. */
  readonly totalMs: TimeFigures;
}

/** One for each priority, by its number. */
type ByPriority<T> = readonly [normal: T, urgent: T];

export class EventBooks {
  /** Events that this thread delivers now. */
  readonly deliveries: Gauge;
  readonly #accepted: ByPriority<Counter>;
  readonly #taken: ByPriority<Counter>;
  readonly #ended: ByPriority<Readonly<Record<EventEnd, Counter>>>;
  readonly #queueTime: ByPriority<Timer>;
  readonly #eventTime: ByPriority<Timer>;
  readonly #lost: Counter;
  readonly #acceptedIds: Counter;
  readonly #takenIds: Counter;
  readonly #highestId: Gauge;
  #highest = -1;

  constructor(registry: Registry) {
    const counter = (name: string, help: string): Counter => registry.counter({ name, help });
    const counters = (name: string, help: string): ByPriority<Counter> => {
      const family = registry.counter({ name, help, labels: ['priority'] });
      return byPriority((priority) => family.labels(priority));
    };
    const timers = (name: string, help: string): ByPriority<Timer> => {
      const family = registry.timer({ name, help, labels: ['priority'] });
      return byPriority((priority) => family.labels(priority));
    };
    const ended = registry.counter({
      name: EVENTS_ENDED,
      help: 'Events taken out of the event buffer, by how they ended.',
      labels: ['priority', 'outcome'],
    });
    this.#accepted = counters(EVENTS_ACCEPTED, 'Events that the event buffer took.');
    this.#taken = counters(EVENTS_TAKEN, 'Events taken out of the event buffer.');
    this.#ended = byPriority((priority) => byEnd((end) => ended.labels(priority, end)));
    this.#queueTime = timers(QUEUE_TIME, 'From the acceptance of an event to its deliverer.');
    this.#eventTime = timers(EVENT_TIME, 'From the acceptance of an event to its outcome.');
    this.#lost = counter(EVENTS_LOST, 'Events whose deliverer died.');
    this.#acceptedIds = counter(ACCEPTED_IDS, 'Sum of the ids that the event buffer gave.');
    this.#takenIds = counter(TAKEN_IDS, 'Sum of the ids of events taken out of it.');
    this.#highestId = registry.gauge({
      name: HIGHEST_ID,
      help: 'Highest id that the event buffer gave.',
      aggregator: 'max',
    });
    this.deliveries = registry.gauge({ name: DELIVERIES, help: 'Events being delivered.' });
  }

  /** The event buffer took an event. */
  accepted(priority: Priority, id: number): void {
    this.#accepted[priority].inc();
    this.#acceptedIds.inc(id);
    if (id <= this.#highest) return;
    this.#highest = id;
    this.#highestId.set(id);
  }

  /** This thread took an event out of it. */
  taken(priority: Priority, id: number, waitedMs: number): void {
    this.#taken[priority].inc();
    this.#takenIds.inc(id);
    this.#queueTime[priority].record(Math.max(0, waitedMs));
  }

  ended(priority: Priority, outcome: EventOutcome | 'withdrawn'): void {
    this.#ended[priority][endOf(outcome)].inc();
  }

  /** The origin of an event has its outcome. */
  time(priority: Priority, ms: number): void {
    this.#eventTime[priority].record(Math.max(0, ms));
  }

  /** Deliverers have died in the middle of these. */
  lost(events: number): void {
    this.#lost.inc(events);
  }
}

/** The same, out of a snapshot. */
export class EventBooksReader {
  readonly #snapshot: RegistrySnapshot;

  constructor(snapshot: RegistrySnapshot) {
    this.#snapshot = snapshot;
  }

  /** What became of events, by priority. */
  byPriority(): Record<PriorityName, EventFigures> {
    return { urgent: this.#of('urgent'), normal: this.#of('normal') };
  }

  /** Events being delivered. */
  get deliveries(): number {
    return totalOf(this.#snapshot, DELIVERIES);
  }

  /** Events whose deliverers died. */
  get lost(): number {
    return totalOf(this.#snapshot, EVENTS_LOST);
  }

  /** Ids that the event buffer gave, and those of the events that were taken out of it. */
  get ids(): { acceptedSum: number; takenSum: number; highest: number } {
    return {
      acceptedSum: totalOf(this.#snapshot, ACCEPTED_IDS),
      takenSum: totalOf(this.#snapshot, TAKEN_IDS),
      highest: valuesOf(this.#snapshot, HIGHEST_ID)[0]?.value ?? -1,
    };
  }

  #of(priority: PriorityName): EventFigures {
    const of = (name: string): number =>
      valuesOf(this.#snapshot, name).find(({ labels }) => labels['priority'] === priority)?.value ?? 0;
    const ends = valuesOf(this.#snapshot, EVENTS_ENDED).filter(
      ({ labels }) => labels['priority'] === priority,
    );
    return {
      accepted: of(EVENTS_ACCEPTED),
      taken: of(EVENTS_TAKEN),
      ended: byEnd((end) => ends.find(({ labels }) => labels['outcome'] === end)?.value ?? 0),
      waitMs: this.#times(QUEUE_TIME, priority),
      totalMs: this.#times(EVENT_TIME, priority),
    };
  }

  #times(name: string, priority: PriorityName): TimeFigures {
    const series = timesOf(this.#snapshot, name).find(({ labels }) => labels['priority'] === priority);
    if (series === undefined) return { count: 0, p50: null, p99: null, max: null };
    const { count, quantiles, max } = series;
    return { count, p50: toMs(quantiles.p50), p99: toMs(quantiles.p99), max: toMs(max) };
  }
}

function byPriority<T>(make: (name: PriorityName) => T): ByPriority<T> {
  const both: [T, T] = [make('normal'), make('normal')];
  both[Priority.Urgent] = make('urgent');
  return both;
}

function byEnd<T>(make: (end: EventEnd) => T): Record<EventEnd, T> {
  return Object.fromEntries(EVENT_ENDS.map((end) => [end, make(end)])) as Record<EventEnd, T>;
}

function endOf(outcome: EventOutcome | 'withdrawn'): EventEnd {
  switch (outcome) {
    case 'refused':
    case 'unreachable':
    case 'cut':
    case 'timed out':
      return 'failed';
    case 'open':
    case 'probing':
      return 'refused';
    case 'delivered':
    case 'withdrawn':
    case 'lost':
      return outcome;
  }
}

function toMs(seconds: number | null): number | null {
  return seconds === null ? null : seconds * 1000;
}
