/** One run of a chain: collects what its steps come to, and completes the operation that stands for them when all are over. */
import { UNKNOWN, takeBack } from './loan.ts';
import { OP } from './layout.ts';
import { bytesOf, Operation, type Completion, type Use } from './operation.ts';

/** What a step came to that is not over. */
const PENDING = -125; // ECANCELED

export class ChainRun implements Completion, Use {
  /** Stands for the steps: completes with 0, or with -errno of the first that failed. */
  readonly head = new Operation(OP.chain, 'chain');
  /** By step. */
  readonly results: number[];
  /** What a lease threw when it was taken back. */
  problem: unknown = undefined;
  readonly #steps: readonly Operation[];
  readonly #indices = new Map<Operation, number>();
  #left: number;

  constructor(steps: readonly Operation[]) {
    this.#steps = steps;
    this.#left = steps.length;
    this.results = steps.map(() => PENDING);
    this.head.steps = steps;
    this.head.use = this;
    for (const [index, step] of steps.entries()) {
      step.chain = this.head;
      step.completion = this;
      this.#indices.set(step, index);
    }
  }

  /** The chain is under way: nobody closes a file of it. */
  enter(): void {
    for (const step of this.#steps) step.use?.enter(step);
  }

  leave(): void {
    for (const step of this.#steps) step.use?.leave(step);
  }

  completed(step: Operation, result: number): void {
    this.results[this.#indices.get(step) as number] = result;
    this.problem = takeBack(step, result < 0 ? UNKNOWN : result) ?? this.problem;
    this.#left--;
    if (this.#left > 0) return;
    const broken = this.broken;
    const outcome = broken < 0 ? 0 : (this.results[broken] as number);
    this.head.id = -1;
    this.head.completion?.completed(this.head, Math.min(outcome, 0));
  }

  /** The step that failed or fell short, or -1. A read that is the last step may fall short: nothing depends on it, and it may be at the end of the file. */
  get broken(): number {
    const last = this.#steps.length - 1;
    return this.#steps.findIndex((step, index) => {
      const result = this.results[index] as number;
      if (result < 0) return true;
      const mayBeShort = index === last && (step.opcode === OP.read || step.opcode === OP.readv);
      return result < bytesOf(step) && !mayBeShort;
    });
  }
}
