// What the upstream has seen. It counts by event id, so that an event which was sent twice shows.
import { eventDigest } from '../event-digest.ts';
import type { OutageMode } from './schedule.ts';

/** A request that arrived while the upstream was dead for its path. */
export interface DeadArrival {
  readonly atMs: number;
  readonly path: string;
  readonly eventId: string;
  readonly mode: OutageMode;
  /** True where the gateway said that it was a half-open probe. */
  readonly probe: boolean;
}

/** A window in which the upstream really was dead: from when the mode took effect to when it was lifted. */
export interface DeadWindow {
  readonly mode: OutageMode;
  readonly path: string;
  readonly beganMs: number;
  readonly endedMs: number | null;
}

/** What the gateway says of an event beside its id. */
export interface EventMarks {
  /** Its number in the order of acceptance; undefined where the sender gives none. */
  readonly number: number | undefined;
  readonly urgent: boolean;
}

export interface UpstreamTotals {
  /** Requests whose headers arrived, whatever became of them. */
  readonly received: number;
  /** Answered 2xx, in full. */
  readonly delivered: number;
  /** Answered with the status of an outage, in full. */
  readonly failed: number;
  /** Cut off on purpose: modes `refuse` and `reset`. */
  readonly cut: number;
  /** Never answered: mode `hang`. */
  readonly hung: number;
  /** The client went away before a healthy answer was out. */
  readonly abandoned: number;
  /** Distinct event ids among `received`, and requests that brought one of them again. */
  readonly distinct: number;
  readonly duplicates: number;
  /** Distinct numbers that the gateway has given to the events among `received`. */
  readonly numbers: number;
  /** Of `delivered`, those that the gateway called urgent. */
  readonly deliveredUrgent: number;
  /** Order-free digest of the ids among `delivered`. */
  readonly deliveredDigest: number;
  readonly byPath: Readonly<Record<string, { received: number; delivered: number }>>;
  readonly dead: readonly DeadArrival[];
  /** Arrivals that `dead` had no room for. */
  readonly deadUnlisted: number;
  readonly windows: readonly DeadWindow[];
}

/** Ids and arrivals that are kept at most; what is beyond is counted apart, never silently dropped. */
const MAX_IDS = 4_000_000;
const MAX_DEAD = 200_000;

export type Ending = 'delivered' | 'failed' | 'cut' | 'hung' | 'abandoned';

export class Arrivals {
  readonly #ids = new Set<string>();
  readonly #numbers = new Set<number>();
  readonly #byPath = new Map<string, { received: number; delivered: number }>();
  readonly #dead: DeadArrival[] = [];
  readonly #windows: { mode: OutageMode; path: string; beganMs: number; endedMs: number | null }[] = [];
  readonly #endings = { delivered: 0, failed: 0, cut: 0, hung: 0, abandoned: 0 };
  #received = 0;
  #duplicates = 0;
  #digest = 0;
  #deliveredUrgent = 0;
  #deadUnlisted = 0;

  receive(path: string, eventId: string, { number }: EventMarks): void {
    this.#received++;
    this.#of(path).received++;
    if (number !== undefined) this.#numbers.add(number);
    if (this.#ids.has(eventId)) this.#duplicates++;
    else if (this.#ids.size < MAX_IDS) this.#ids.add(eventId);
    else throw new RangeError(`event ids: more than the ${MAX_IDS} that one run may bring`);
  }

  receiveDead(arrival: DeadArrival): void {
    if (this.#dead.length < MAX_DEAD) this.#dead.push(arrival);
    else this.#deadUnlisted++;
  }

  end(path: string, eventId: string, { urgent }: EventMarks, ending: Ending): void {
    this.#endings[ending]++;
    if (ending !== 'delivered') return;
    this.#of(path).delivered++;
    if (urgent) this.#deliveredUrgent++;
    this.#digest += eventDigest(eventId);
  }

  windowBegan(mode: OutageMode, path: string, atMs: number): void {
    this.#windows.push({ mode, path, beganMs: atMs, endedMs: null });
  }

  windowEnded(mode: OutageMode, path: string, atMs: number): void {
    const open = this.#windows.findLast((w) => w.mode === mode && w.path === path && w.endedMs === null);
    if (open) open.endedMs = atMs;
  }

  totals(): UpstreamTotals {
    return {
      received: this.#received,
      ...this.#endings,
      distinct: this.#ids.size,
      duplicates: this.#duplicates,
      numbers: this.#numbers.size,
      deliveredUrgent: this.#deliveredUrgent,
      deliveredDigest: this.#digest,
      byPath: Object.fromEntries(this.#byPath),
      dead: this.#dead,
      deadUnlisted: this.#deadUnlisted,
      windows: this.#windows,
    };
  }

  #of(path: string): { received: number; delivered: number } {
    let entry = this.#byPath.get(path);
    if (entry === undefined) {
      entry = { received: 0, delivered: 0 };
      this.#byPath.set(path, entry);
    }
    return entry;
  }
}
