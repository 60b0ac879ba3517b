// Measures checks at an interval and tells: events, channels, a report, and whether work may be sent here.
import { EventEmitter } from 'node:events';
import { publishRecovery, publishState, publishWarning } from './channels.ts';
import { planCheck, type HealthCheck } from './check.ts';
import { CheckRun, type Change } from './check-run.ts';
import { MonitorDisposedError } from './errors.ts';
import { isReady, nextHealth, type HealthInput, type HealthState } from './health-state.ts';
import { planMonitor, type HealthMonitorOptions, type MonitorPlan } from './monitor-options.ts';
import {
  checkReport,
  describe,
  episodeOf,
  scoreTrend,
  type HealthEpisode,
  type HealthReport,
  type HealthTransition,
} from './report.ts';
import { totalScore } from './score.ts';
import { Series } from './series.ts';
import { trendOf } from './trend.ts';

export interface HealthEvents {
  /** An episode has begun: once. */
  warning: [HealthEpisode];
  /** It has ended: once. */
  recovery: [HealthEpisode];
  /** The whole is in another state. */
  state: [HealthTransition];
}

/** A point of the score is noise. Guessed. */
const SCORE_CHANGE = 2;

/**
 * Begins to measure in the next turn of the event loop, so that listeners can be added first. What a listener throws is an uncaught
 * exception, as with `EventTarget`: it does not stop the monitor.
 */
export class HealthMonitor extends EventEmitter<HealthEvents> {
  readonly name: string;
  readonly #plan: MonitorPlan;
  readonly #runs: readonly CheckRun[];
  readonly #scores: Series;
  readonly #startedMs: number;
  #state: HealthState = 'starting';
  #isDisposed = false;
  #dueMs: number;
  #tickedMs: number;
  #cancelTick: () => void;

  /** @throws ArgumentRangeError */
  constructor(options: HealthMonitorOptions) {
    super();
    this.#plan = planMonitor(options);
    const { name, clock, checks, intervalMs, trendSamples, signal } = this.#plan;
    this.name = name;
    this.#runs = planChecks(checks, intervalMs).map((plan) => new CheckRun(plan, clock, trendSamples));
    this.#scores = new Series(trendSamples);
    signal?.throwIfAborted();
    const nowMs = clock.now();
    this.#startedMs = nowMs;
    this.#tickedMs = nowMs;
    this.#begin(nowMs);
    this.#dueMs = nowMs;
    this.#cancelTick = clock.after(0, () => this.#tick());
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => this[Symbol.dispose]();

  /** As of the last measurements; `unready` where they are too old, since nothing is known any more. */
  get state(): HealthState {
    return this.#isStale() && isReady(this.#state) ? 'unready' : this.#state;
  }

  /** Whether work may be sent here: `ready` or `degraded`. */
  ready(): boolean {
    return isReady(this.state);
  }

  /** Whether the monitor does what it is for: measures at its interval. True while draining, false once disposed. */
  live(): boolean {
    return !this.#isDisposed && !this.#isStale();
  }

  /** 0 to 100; null where nothing is known. */
  score(): number | null {
    return totalScore(this.#runs.map(({ score, plan }) => ({ score, weight: plan.weight })));
  }

  /** What is known, and why. Works out trends: some microseconds a check. */
  report(): HealthReport {
    const { clock, trend } = this.#plan;
    const nowMs = clock.now();
    return {
      monitor: this.name,
      state: this.state,
      isReady: this.ready(),
      isLive: this.live(),
      score: this.score(),
      trend: scoreTrend(
        trendOf(this.#scores.times(), this.#scores.values(), { ...trend, minChange: SCORE_CHANGE }),
      ),
      reasons: this.#reasons(),
      upMs: nowMs - this.#startedMs,
      checks: this.#runs.map((run) => checkReport(run, nowMs, trend)),
    };
  }

  /**
   * Measures all checks now, whenever they were measured last; but those that are being measured. What is found counts as it always does.
   * @returns when all that were begun have answered, or were given up
   * @throws MonitorDisposedError
   */
  async sample(): Promise<HealthReport> {
    if (this.#isDisposed) throw new MonitorDisposedError();
    await Promise.all(this.#measure(this.#plan.clock.now(), 0, () => true));
    return this.report();
  }

  /** From now on `stopping`, so that no more work is sent here while the process finishes what it has. Measuring goes on. */
  drain(): void {
    this.#enter('drain');
  }

  /** Measures nothing any more, and lets go of what checks hold. The last report can be had for ever. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#cancelTick();
    this.#plan.signal?.removeEventListener('abort', this.#onAbort);
    const errors: unknown[] = [];
    for (const run of this.#runs) {
      try {
        run.close(new MonitorDisposedError());
      } catch (error) {
        errors.push(error);
      }
    }
    this.#enter('drain');
    if (errors.length > 0) throw errors.length === 1 ? errors[0] : new AggregateError(errors);
  }

  /** What was begun ends where another one can not begin. */
  #begin(nowMs: number): void {
    const begun: CheckRun[] = [];
    try {
      for (const run of this.#runs) {
        run.begin(nowMs);
        begun.push(run);
      }
    } catch (error) {
      for (const run of begun) run.close(error);
      throw error;
    }
  }

  #tick(): void {
    const { clock, intervalMs } = this.#plan;
    const nowMs = clock.now();
    const plannedMs = this.#dueMs;
    const lateMs = Math.max(0, nowMs - plannedMs);
    // Ticks that were missed are not made up for.
    this.#dueMs = plannedMs + intervalMs * (1 + Math.floor(lateMs / intervalMs));
    this.#cancelTick = clock.after(Math.max(0, this.#dueMs - nowMs), () => this.#tick());
    void this.#measure(nowMs, lateMs, (run) => run.isDue(plannedMs));
    const score = this.score();
    if (score !== null) this.#scores.push(nowMs, score);
  }

  #measure(nowMs: number, lateMs: number, isDue: (run: CheckRun) => boolean): Promise<void>[] {
    const pending: Promise<void>[] = [];
    this.#tickedMs = nowMs;
    for (const run of this.#runs) {
      if (this.#isDisposed || !isDue(run)) continue;
      const answer = run.measure(nowMs, lateMs, (changes) => this.#tell(run, changes));
      if (answer !== undefined) pending.push(answer);
    }
    this.#judge();
    return pending;
  }

  #tell(run: CheckRun, changes: readonly Change[]): void {
    for (const change of changes) {
      // A listener, or the check itself, may have disposed it.
      if (this.#isDisposed) return;
      const episode = episodeOf(this.name, run, change);
      if (change.outcome === 'began') {
        publishWarning(episode);
        this.#emit('warning', episode);
      } else {
        publishRecovery(episode);
        this.#emit('recovery', episode);
      }
    }
    this.#judge();
  }

  #judge(): void {
    this.#enter(this.#runs.map(({ standing, plan }) => ({ standing, unknown: plan.unknown })));
  }

  #enter(input: HealthInput): void {
    const from = this.#state;
    const to = nextHealth(from, input);
    if (to === from) return;
    this.#state = to;
    const { clock } = this.#plan;
    const transition = { monitor: this.name, from, to, reasons: this.#reasons(), atMs: clock.now() };
    publishState(transition);
    this.#emit('state', transition);
  }

  #emit(event: 'warning' | 'recovery', message: HealthEpisode): void;
  #emit(event: 'state', message: HealthTransition): void;
  #emit(event: keyof HealthEvents, message: HealthEpisode & HealthTransition): void {
    for (const listener of this.rawListeners(event)) {
      try {
        Reflect.apply(listener, this, [message]);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #isStale(): boolean {
    const { clock, staleAfterMs } = this.#plan;
    return clock.now() - this.#tickedMs > staleAfterMs;
  }

  #reasons(): string[] {
    const reasons: string[] = [];
    if (this.#isDisposed) reasons.push('the monitor is disposed');
    else if (this.#state === 'stopping') reasons.push('told to drain');
    if (!this.#isDisposed && this.#isStale())
      reasons.push(
        `nothing was measured for ${Math.round(this.#plan.clock.now() - this.#tickedMs)} ms, expected every ${this.#plan.intervalMs} ms`,
      );
    for (const run of this.#runs) {
      const { standing, plan } = run;
      if (standing === 'ok' || standing === 'idle') continue;
      if (standing === 'unknown' && plan.unknown === 'ignore') continue;
      reasons.push(describe(run));
    }
    return reasons;
  }
}

function planChecks(checks: readonly HealthCheck[], intervalMs: number): ReturnType<typeof planCheck>[] {
  return checks.map((check) => planCheck(check, intervalMs));
}
