// Tasks that are written as steps: each is given a state and returns the next one, or the result. Between two steps everything there is to know of such a task is in
// its state, which travels: so another worker may go on with it.
import type { TaskContext } from './tasks.ts';

/** For all copies of this package in a process, so that source and build understand each other. */
const GO_ON = Symbol.for('@corelane/scheduler/go-on');

declare const nextState: unique symbol;

/** What a step returns that is not the last one. Made by `goOn`. */
export interface GoOn<S> {
  /** Only a type. */
  readonly [nextState]: S;
}

/**
 * One step: from a state to the next one, `goOn(state)`, or to the result. The first state is what the task is run with. A state is what the arguments of a task may be:
 * the task may go on on another worker.
 */
export type Step<S, R> = (state: S, context: TaskContext) => GoOn<S> | R | Promise<GoOn<S> | R>;

/**
 * A task of steps, for `defineTasks`. Between two steps its worker may do something else, and leaves it for good where nobody waits any more.
 * @example sum: steps(({ i, sum }: { i: number; sum: number }) => (i === 0 ? sum : goOn({ i: i - 1, sum: sum + i })))
 */
export function steps<S, R>(step: Step<S, R>): (state: S, context: TaskContext) => R | Promise<R> {
  return step as (state: S, context: TaskContext) => R | Promise<R>;
}

/** Returned by a step: there is another one, with this state. */
export function goOn<S>(state: S): GoOn<S> {
  return { [GO_ON]: state } as unknown as GoOn<S>;
}

export function isGoOn(result: object): boolean {
  return GO_ON in result;
}

/** In a worker: a task of steps that has begun, in the manner of a generator. */
export class StepRun {
  readonly #step: (state: unknown, context: TaskContext) => unknown;
  readonly #context: TaskContext;
  /** Of the next step. */
  state: unknown;
  /** Of the last one: each step has the same object. */
  readonly #result: { done: boolean; value: unknown } = { done: false, value: undefined };

  constructor(step: (state: unknown, context: TaskContext) => unknown, context: TaskContext, first: object) {
    this.#step = step;
    this.#context = context;
    this.state = stateOf(first);
  }

  /** @returns the result where it was the last step; a promise of what it returns where it was asynchronous */
  next(): { readonly done: boolean; readonly value: unknown } {
    const result = this.#result;
    const value = this.#step(this.state, this.#context);
    if (typeof value === 'object' && value !== null && isGoOn(value)) {
      this.state = stateOf(value);
      result.done = false;
      result.value = undefined;
    } else {
      result.done = true;
      result.value = value;
    }
    return result;
  }

  /** It is left: between two steps there is nothing to undo. */
  return(): void {}
}

function stateOf(goingOn: object): unknown {
  return (goingOn as { readonly [GO_ON]: unknown })[GO_ON];
}
