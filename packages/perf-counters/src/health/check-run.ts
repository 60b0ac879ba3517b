// One check of a monitor over time: measures it, never twice at once, and keeps where it stands.
import type { PlannedCheck } from './check.ts';
import { CheckStuckError, CheckTimeoutError } from './errors.ts';
import type { Level } from './episode.ts';
import { failed, toMeasurement, type Measurement } from './measurement.ts';
import type { MonitorClock } from './ports.ts';
import { scoreOf } from './score.ts';
import { Series } from './series.ts';
import { standingOf, stepCheck, UNMEASURED, type CheckState, type Standing } from './standing.ts';

export interface EpisodeRecord {
  readonly level: Level;
  readonly sinceMs: number;
  /** The value that was farthest beyond; null where the check has only failed. */
  worst: number | null;
}

/** What a measurement has changed. */
export interface Change {
  readonly level: Level;
  readonly outcome: 'began' | 'ended';
  readonly episode: EpisodeRecord;
}

export class CheckRun {
  readonly plan: PlannedCheck;
  readonly values: Series;
  readonly #clock: MonitorClock;
  #state: CheckState = UNMEASURED;
  #measurement: Measurement | null = null;
  #measuredAtMs = 0;
  #score: number | null = null;
  #nextMs = -Infinity;
  /** What is running, whether or not it was given up. */
  #running: { readonly startedMs: number; readonly controller: AbortController } | null = null;
  /** That of the check, until it has ended well: what is to be measured waits for it. */
  #beginning: Promise<unknown> | undefined;
  readonly #episodes: Partial<Record<Level, EpisodeRecord>> = {};
  #episodeCount = 0;
  #isClosed = false;

  constructor(plan: PlannedCheck, clock: MonitorClock, window: number) {
    this.plan = plan;
    this.#clock = clock;
    this.values = new Series(window);
  }

  get standing(): Standing {
    return standingOf(this.#state, this.plan.rules);
  }

  /** The last one; null before the first. */
  get measurement(): Measurement | null {
    return this.#measurement;
  }

  get measuredAtMs(): number {
    return this.#measuredAtMs;
  }

  /** 0 to 100; null where it does not count. */
  get score(): number | null {
    return this.#score;
  }

  /** The gravest one that lasts. */
  get episode(): EpisodeRecord | undefined {
    return this.#episodes.critical ?? this.#episodes.warn;
  }

  /** Those that have begun so far, of both levels. */
  get episodes(): number {
    return this.#episodeCount;
  }

  /** A beginning that takes turns is part of the first measurement: it is late or fails as that does. @throws what the check throws */
  begin(nowMs: number): void {
    const begun: unknown = this.plan.check.begin?.(nowMs);
    if (!isThenable(begun)) return;
    this.#beginning = Promise.resolve(begun);
    void this.#endOf(this.#beginning);
  }

  async #endOf(beginning: Promise<unknown>): Promise<void> {
    try {
      await beginning;
      this.#beginning = undefined;
    } catch {
      // Told by each measurement.
    }
  }

  /** @param plannedMs when the tick of the monitor was to come */
  isDue(plannedMs: number): boolean {
    // Sums of intervals are not exact.
    return plannedMs >= this.#nextMs - 0.5;
  }

  /** Every measurement that takes turns calls back; a synchronous one before this returns. */
  measure(nowMs: number, lateMs: number, done: (changes: readonly Change[]) => void): void | Promise<void> {
    const { check, intervalMs, timeoutMs } = this.plan;
    this.#nextMs = nowMs - lateMs + intervalMs;
    if (this.#running !== null) {
      const runningMs = nowMs - this.#running.startedMs;
      // Given up already, so that this is another failure; or still within its time.
      if (!this.#running.controller.signal.aborted) return;
      done(this.#take(failed(new CheckStuckError(check.name, runningMs, timeoutMs))));
      return;
    }
    const controller = new AbortController();
    let answer: PromiseLike<unknown> | undefined;
    let measurement: Measurement | undefined;
    try {
      const { signal } = controller;
      const measure = (): unknown => check.measure({ signal, nowMs, lateMs });
      const measured = this.#beginning?.then(() => (signal.aborted ? null : measure())) ?? measure();
      if (isThenable(measured)) answer = measured;
      else measurement = toMeasurement(check.name, measured);
    } catch (error) {
      measurement = failed(error);
    }
    if (answer === undefined) {
      if (measurement !== undefined) done(this.#take(measurement));
      return;
    }
    const running = { startedMs: nowMs, controller };
    this.#running = running;
    return this.#await(answer, running, done);
  }

  async #await(
    answer: PromiseLike<unknown>,
    running: { readonly controller: AbortController },
    done: (changes: readonly Change[]) => void,
  ): Promise<void> {
    const { check, timeoutMs } = this.plan;
    const { signal } = running.controller;
    const settled = settle(check.name, answer).finally(() => {
      this.#running = null;
    });
    const cancel = this.#clock.after(timeoutMs, () =>
      running.controller.abort(new CheckTimeoutError(check.name, timeoutMs)),
    );
    const givenUp = new Promise<Measurement>((resolve) => {
      signal.addEventListener('abort', () => resolve(failed(signal.reason)), { once: true });
    });
    const measurement = await Promise.race([settled, givenUp]);
    cancel();
    if (!this.#isClosed) done(this.#take(measurement));
  }

  /** Nothing is measured any more; what runs is aborted, and what it finds is dropped. */
  close(reason: unknown): void {
    this.#isClosed = true;
    this.#running?.controller.abort(reason);
    this.plan.check[Symbol.dispose]?.();
  }

  #take(measurement: Measurement): Change[] {
    const { rules, unknown } = this.plan;
    const nowMs = this.#clock.now();
    this.#measurement = measurement;
    this.#measuredAtMs = nowMs;
    const { next, changes } = stepCheck(this.#state, measurement, rules);
    this.#state = next;
    // As long as what was known counts, so does its score.
    const tells = measurement.kind !== 'pending' && measurement.kind !== 'unknown';
    if (tells || this.standing === 'unknown') this.#score = scoreOf(measurement, rules, unknown);
    const value = measurement.kind === 'value' ? measurement.value : null;
    if (value !== null) this.values.push(nowMs, value);
    const found = changes.map(({ level, outcome }) => {
      if (outcome === 'began') {
        this.#episodes[level] = { level, sinceMs: nowMs, worst: null };
        this.#episodeCount++;
      }
      const episode = this.#episodes[level] as EpisodeRecord;
      if (outcome === 'ended') delete this.#episodes[level];
      return { level, outcome, episode };
    });
    if (value !== null) this.#observeWorst(value);
    return found;
  }

  #observeWorst(value: number): void {
    for (const episode of Object.values(this.#episodes)) {
      const isWorse =
        episode.worst === null ||
        (this.plan.rules.direction === 'above' ? value > episode.worst : value < episode.worst);
      if (isWorse) episode.worst = value;
    }
  }
}

/** Never rejects. */
async function settle(check: string, answer: PromiseLike<unknown>): Promise<Measurement> {
  try {
    return toMeasurement(check, await answer);
  } catch (error) {
    return failed(error);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
