// A stream of arguments in, a stream of results out: no more tasks under way than are asked for, however long the stream is.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkObject, type RunOptions } from './options.ts';

/** What is moved could go with one of them alone. */
export interface MapOptions extends Omit<RunOptions, 'transferList'> {
  /** Tasks at most that have been submitted and whose result has not been taken; 8 for each worker by default. */
  readonly concurrency?: number;
  /** Results in the order of the arguments; true by default. False: each as soon as it is there. */
  readonly ordered?: boolean;
}

/** Guessed. */
const PER_WORKER = 8;
const MAX_CONCURRENCY = 2 ** 20;

interface Result {
  isThere: boolean;
  hasFailed: boolean;
  value: unknown;
}

type Run = (args: unknown, options: RunOptions) => Promise<unknown>;

/** @throws ArgumentRangeError */
export function mapTasks(
  run: Run,
  items: Iterable<unknown> | AsyncIterable<unknown>,
  options: MapOptions,
  threads: number,
): AsyncGenerator<unknown, void, undefined> {
  checkObject('options', options);
  const { concurrency = PER_WORKER * threads, ordered = true, ...rest } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY)
    throw new ArgumentRangeError('concurrency', concurrency, `an integer from 1 to ${MAX_CONCURRENCY}`);
  if (!isIterable(items)) throw new ArgumentRangeError('items', items, 'an iterable or async iterable');
  return new TaskStream(run, items, rest, concurrency, ordered).results();
}

class TaskStream {
  readonly #run: Run;
  readonly #items: Iterable<unknown> | AsyncIterable<unknown>;
  readonly #options: RunOptions;
  readonly #concurrency: number;
  readonly #ordered: boolean;
  readonly #stop = new AbortController();
  /** In the order in which they are taken. */
  readonly #results: Result[] = [];
  /** Submitted, and not taken. */
  #underWay = 0;
  #hasEnded = false;
  #isStopped = false;
  /** Wakes who takes results, and who submits. */
  #wakeTaker: () => void = nothing;
  #wakeSubmitter: () => void = nothing;

  constructor(
    run: Run,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options: RunOptions,
    concurrency: number,
    ordered: boolean,
  ) {
    this.#run = run;
    this.#items = items;
    const { signal } = options;
    const stop = this.#stop.signal;
    this.#options = { ...options, signal: signal === undefined ? stop : AbortSignal.any([signal, stop]) };
    this.#concurrency = concurrency;
    this.#ordered = ordered;
  }

  async *results(): AsyncGenerator<unknown, void, undefined> {
    const iterator = iteratorOf(this.#items);
    void this.#submitAll(iterator);
    try {
      for (;;) {
        const first = this.#results[0];
        if (first?.isThere === true) {
          this.#results.shift();
          this.#underWay--;
          this.#wakeSubmitter();
          if (first.hasFailed) throw first.value;
          yield first.value;
        } else if (this.#hasEnded && this.#underWay === 0) return;
        else await new Promise<void>((resolve) => (this.#wakeTaker = resolve));
      }
    } finally {
      this.#isStopped = true;
      this.#wakeSubmitter();
      // What has not begun never runs; what runs is told, and see `graceMs`.
      if (this.#underWay > 0)
        this.#stop.abort(new DOMException('the results are wanted no more', 'AbortError'));
      // Not awaited: an iterator that is waiting for its next item would hold up who broke off.
      if (!this.#hasEnded) Promise.resolve(iterator.return?.()).catch(nothing);
    }
  }

  async #submitAll(iterator: AsyncIterator<unknown> | Iterator<unknown>): Promise<void> {
    try {
      for (;;) {
        while (this.#underWay >= this.#concurrency && !this.#isStopped)
          await new Promise<void>((resolve) => (this.#wakeSubmitter = resolve));
        if (this.#isStopped) return;
        this.#options.signal?.throwIfAborted();
        const { done, value } = await iterator.next();
        if (this.#isStopped) return;
        if (done === true) break;
        this.#submit(value);
      }
    } catch (error) {
      // Of the iterator: after the results of what it had given before.
      this.#underWay++;
      this.#results.push({ isThere: true, hasFailed: true, value: error });
    }
    this.#hasEnded = true;
    this.#wakeTaker();
  }

  #submit(args: unknown): void {
    this.#underWay++;
    const result: Result = { isThere: false, hasFailed: false, value: undefined };
    if (this.#ordered) this.#results.push(result);
    const settle = (hasFailed: boolean, value: unknown): void => {
      result.isThere = true;
      result.hasFailed = hasFailed;
      result.value = value;
      if (!this.#ordered) this.#results.push(result);
      this.#wakeTaker();
    };
    this.#run(args, this.#options).then(
      (value) => settle(false, value),
      (error: unknown) => settle(true, error),
    );
  }
}

function iteratorOf(
  items: Iterable<unknown> | AsyncIterable<unknown>,
): AsyncIterator<unknown> | Iterator<unknown> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]();
}

function isIterable(items: unknown): boolean {
  if (typeof items !== 'object' || items === null) return false;
  return Symbol.asyncIterator in items || Symbol.iterator in items;
}

function nothing(): void {}
