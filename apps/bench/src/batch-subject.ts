// One batch case while it is measured: warm-up, calibration, timed batches, the count of successes, the final check.
import { nowNs } from './clock.ts';
import { collectYoung } from './collect.ts';
import { CaseError, NotMeasurableError, messageOf } from './errors.ts';
import type { Profile } from './profile.ts';
import { type BatchCase, type BatchResult, type Metric, NS_PER_OP } from './suite.ts';

export type Sample = Readonly<Record<string, Metric>>;

/** Batches grow at most this much at once: the first ones run cold and promise nothing about the next. */
const MAX_GROWTH = 10;
const MAX_OPERATIONS = 2 ** 30;

interface Timed extends BatchResult {
  readonly elapsedNs: number;
}

/** Runs `setup`. @returns why this machine cannot run the case, or null */
export async function unavailable({ setup }: Pick<BatchCase, 'setup'>): Promise<string | null> {
  try {
    await setup?.();
    return null;
  } catch (error) {
    if (error instanceof NotMeasurableError) return error.message;
    throw error;
  }
}

export class BatchSubject {
  readonly definition: BatchCase;
  /** Operations of a batch are a multiple of this. */
  readonly step: number;
  #operationsPerBatch: number;
  #operations = 0;

  constructor(definition: BatchCase, quick: boolean) {
    this.definition = definition;
    const { opsPerBatch = 1, quickOpsPerBatch = opsPerBatch } = definition;
    this.step = quick ? quickOpsPerBatch : opsPerBatch;
    this.#operationsPerBatch = this.step;
  }

  get operationsPerBatch(): number {
    return this.#operationsPerBatch;
  }

  /** Successful operations so far. */
  get operations(): number {
    return this.#operations;
  }

  /** @returns why this machine cannot run the case, or null */
  async setup(): Promise<string | null> {
    return this.#guard('setup', () => unavailable(this.definition));
  }

  /** Runs batches until the code is hot and a batch lasts as long as the profile asks. */
  async warmUp({ warmupMs, batchMs }: Pick<Profile, 'warmupMs' | 'batchMs'>): Promise<void> {
    const target = batchMs * 1e6;
    let spent = 0;
    while (true) {
      const { elapsedNs } = await this.run(this.#operationsPerBatch);
      spent += elapsedNs;
      if (elapsedNs >= target && spent >= warmupMs * 1e6) return;
      if (elapsedNs >= target) continue;
      const growth = Math.min(MAX_GROWTH, Math.max(1.1, (1.15 * target) / Math.max(elapsedNs, 1)));
      const next = Math.ceil((this.#operationsPerBatch * growth) / this.step) * this.step;
      if (next > MAX_OPERATIONS)
        throw new CaseError(
          this.definition.name,
          `a batch of ${MAX_OPERATIONS} operations lasts less than ${batchMs} ms`,
        );
      this.#operationsPerBatch = next;
    }
  }

  async measure(): Promise<Sample> {
    collectYoung();
    const { elapsedNs, metrics } = await this.run(this.#operationsPerBatch);
    return { ...metrics, [NS_PER_OP]: { value: elapsedNs / this.#operationsPerBatch, unit: 'ns' } };
  }

  /** One batch; throws a CaseError where it throws or where not every operation succeeded. */
  async run(operations: number): Promise<Timed> {
    const { name } = this.definition;
    let result: number | BatchResult;
    let elapsedNs: number;
    try {
      const start = nowNs();
      const pending = this.definition.batch(operations);
      result = pending instanceof Promise ? await pending : pending;
      elapsedNs = nowNs() - start;
    } catch (cause) {
      throw new CaseError(name, `a batch of ${operations} operations threw: ${messageOf(cause)}`, { cause });
    }
    const outcome = typeof result === 'number' ? { successful: result } : result;
    if (outcome.successful !== operations)
      throw new CaseError(
        name,
        `${outcome.successful} of ${operations} operations succeeded: error rate ${(1 - outcome.successful / operations).toPrecision(3)}, expected 0`,
      );
    this.#operations += operations;
    return { elapsedNs, ...outcome };
  }

  /** What is wrong with the final state, or undefined. */
  async check(): Promise<string | undefined> {
    return this.#guard('check', () => this.definition.check({ operations: this.#operations }));
  }

  async teardown(): Promise<void> {
    await this.#guard('teardown', () => this.definition.teardown?.());
  }

  async #guard<T>(step: string, action: () => T | Promise<T>): Promise<T> {
    try {
      return await action();
    } catch (cause) {
      throw new CaseError(this.definition.name, `${step} threw: ${messageOf(cause)}`, { cause });
    }
  }
}
