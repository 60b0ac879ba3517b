// What a fibre can wait for, and where it gives way: `yield`, or without the 40 bytes that the engine allocates for each of these, `yield* pause`.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { FibreCycleError } from './errors.ts';
import { taskOf, type Fibre } from './fibre.ts';
import type { FibreState, FibreTask, FibreYield } from './fibre-task.ts';
import type { Heaped } from './min-heap.ts';

/** What of a scheduler a wait needs. */
export interface WaitHost {
  /** The fibre goes on, unless it has been told something else meanwhile. */
  wake(task: FibreTask, wait: Wait): void;
  addSleep(sleep: Sleep): void;
  removeSleep(sleep: Sleep): void;
}

export abstract class Wait {
  abstract readonly state: FibreState;
  /** What was waited for: `throws` where it is an error. */
  value: unknown = undefined;
  hasThrown = false;
  /** Of one fibre, once. */
  isBegun = false;

  /** @returns whether there is something to wait for */
  abstract begin(host: WaitHost, task: FibreTask): boolean;

  /** Nobody waits any more. */
  end(_host: WaitHost): void {}

  /** In place of `begin`, of a fibre that is told something else before it waits: what it would have waited for is its business all the same. */
  forgo(): void {}

  /** What the fibre goes on with. @throws what was thrown */
  result(): unknown {
    if (this.hasThrown) throw this.value;
    return this.value;
  }
}

export class Sleep extends Wait implements Heaped {
  readonly state = 'sleeping';
  readonly ms: number;
  /** When it is over, by `performance.now()`. */
  key = 0;
  order = 0;
  at = -1;
  task: FibreTask | undefined = undefined;

  constructor(ms: number) {
    super();
    this.ms = ms;
  }

  override begin(host: WaitHost, task: FibreTask): boolean {
    this.task = task;
    this.key = performance.now() + this.ms;
    host.addSleep(this);
    return true;
  }

  override end(host: WaitHost): void {
    host.removeSleep(this);
  }
}

class Join extends Wait {
  readonly state = 'joining';
  /** Of the one that is waited for. */
  readonly other: FibreTask;
  #listener: (() => void) | undefined;

  constructor(other: FibreTask) {
    super();
    this.other = other;
  }

  override begin(host: WaitHost, task: FibreTask): boolean {
    const { other } = this;
    other.isObserved = true;
    const circle = circleOf(task, other);
    if (circle !== undefined) {
      this.hasThrown = true;
      this.value = new FibreCycleError(circle);
      return false;
    }
    if (other.hasEnded) {
      this.#take();
      return false;
    }
    this.#listener = (): void => {
      this.#take();
      host.wake(task, this);
    };
    other.whenEnded(this.#listener);
    return true;
  }

  override end(): void {
    if (this.#listener !== undefined) this.other.forget(this.#listener);
  }

  override forgo(): void {
    this.other.isObserved = true;
  }

  #take(): void {
    this.hasThrown = this.other.state !== 'finished';
    this.value = this.other.value;
  }
}

/** Who would wait for whom, where the other one waits for this one already. */
function circleOf(task: FibreTask, other: FibreTask): string[] | undefined {
  const names = [task.name];
  for (let each = other; ; each = each.wait.other) {
    if (each === task) return names;
    names.push(each.name);
    if (!(each.wait instanceof Join)) return undefined;
  }
}

const ignore = (): void => {};

class Settlement extends Wait {
  readonly state = 'waiting';
  readonly promise: PromiseLike<unknown>;

  constructor(promise: PromiseLike<unknown>) {
    super();
    this.promise = promise;
  }

  override begin(host: WaitHost, task: FibreTask): boolean {
    const settle = (hasThrown: boolean, value: unknown): void => {
      this.hasThrown = hasThrown;
      this.value = value;
      host.wake(task, this);
    };
    // Whatever a `then` that is not a promise's does, it is called once, and later.
    Promise.resolve(this.promise).then(
      (value) => settle(false, value),
      (error: unknown) => settle(true, error),
    );
    return true;
  }

  /** Its rejection is nobody else's. */
  override forgo(): void {
    Promise.resolve(this.promise).catch(ignore);
  }
}

/** Nothing to wait for: from here on the fibre is not cancelled. */
class Mask extends Wait {
  readonly state = 'running';
  #task: FibreTask | undefined;

  override begin(_host: WaitHost, task: FibreTask): boolean {
    this.#task = task;
    task.mask(1);
    return false;
  }

  /** It is again, at its next yield. */
  lift(): void {
    this.#task?.mask(-1);
  }
}

class GiveWay extends Wait {
  readonly state = 'ready';

  override begin(): boolean {
    return true;
  }
}

const WAY = new GiveWay();
/** What a fibre is resumed with. Not undefined: with that the iterators below are begun. */
export const RESUME = 1 as never;

/** A step of an iterator that is the same each time. */
function endless<Y>(value: Y): Generator<Y, void, unknown> {
  const yielded = Object.freeze({ value, done: false });
  const over = Object.freeze({ value: undefined, done: true });
  const steps = {
    [Symbol.iterator]: () => steps,
    next: (resumed: unknown) => (resumed === undefined ? yielded : over),
    return: (result: unknown) => ({ value: result, done: true }),
    throw: (error: unknown) => {
      throw error;
    },
  };
  return Object.freeze(steps) as unknown as Generator<Y, void, unknown>;
}

/** `yield* pause` is what `yield` is: a point at which the fibre makes way where its slice of time is over, or a more urgent one is ready. It allocates nothing. */
export const pause: Generator<undefined, void, unknown> = endless(undefined);

/** `yield* giveWay`: others go on first, whatever is left of its slice. It allocates nothing. */
export const giveWay: Generator<Wait, void, unknown> = endless<Wait>(WAY);

/** Whether it counts also where the fibre has been cancelled and does not know yet. */
export function isMask(wait: Wait): boolean {
  return wait instanceof Mask;
}

export function isGiveWay(wait: Wait): boolean {
  return wait === WAY;
}

/** What is longer than a timer of Node can wait. */
const MAX_SLEEP_MS = 2 ** 31 - 1;

/** `yield* sleep(ms)`: goes on when so many milliseconds are over. @throws ArgumentRangeError */
export function* sleep(ms: number): Generator<FibreYield, void, unknown> {
  if (typeof ms !== 'number' || !(ms >= 0) || ms > MAX_SLEEP_MS)
    throw new ArgumentRangeError('ms', ms, `0 to ${MAX_SLEEP_MS}`);
  yield new Sleep(ms);
}

/** `const result = yield* join(fibre)`: goes on when the other one has ended. @throws what that throws, or why it was cancelled; FibreCycleError */
export function* join<R>(fibre: Fibre<R>): Generator<FibreYield, R, unknown> {
  const wait = new Join(taskOf(fibre));
  yield wait;
  return wait.result() as R;
}

/** `const value = yield* until(promise)`: goes on when it is settled. @throws what it rejects with; ArgumentRangeError */
export function* until<T>(promise: PromiseLike<T>): Generator<FibreYield, T, unknown> {
  if (typeof (promise as Partial<PromiseLike<T>> | null | undefined)?.then !== 'function')
    throw new ArgumentRangeError('promise', promise, 'a promise');
  const wait = new Settlement(promise);
  yield wait;
  return wait.result() as T;
}

/**
 * `const result = yield* uncancelled(body())`: a cancellation waits until this has ended, and the next yield after it. For `finally` blocks that wait: a fibre that is cancelled while it is in one leaves it
 * where it is, as every generator does that is returned from.
 */
export function* uncancelled<R>(body: Generator<FibreYield, R, unknown>): Generator<FibreYield, R, unknown> {
  const mask = new Mask();
  yield mask;
  try {
    return yield* body;
  } finally {
    mask.lift();
  }
}
