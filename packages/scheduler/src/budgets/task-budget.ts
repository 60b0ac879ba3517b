// How much a task may still do in this poll: 16 bytes that its thread writes, and any thread may read.
import { ArgumentRangeError, AttachError } from '@corelane/shared-memory';
import { checkInteger, checkNames } from './known-options.ts';
import { taskBudget } from './layout.ts';
import { MAX_POLL_BUDGET, MIN_POLL_BUDGET, POLL_BUDGET, TIER_ISOLATE, TIER_MONITOR } from './tier-table.ts';

/** Where a budget lies. Plain data. */
export interface TaskBudgetHandle {
  readonly buffer: SharedArrayBuffer;
  readonly byteOffset: number;
}

export interface TaskBudgetOptions {
  /** Units of a poll, 100 to 10000; 2000 by default. */
  readonly pollBudget?: number;
}

/** What any thread sees of a budget. The four words are read one after the other, while its thread may write them. */
export interface BudgetSnapshot {
  readonly remaining: number;
  /** TIER_ ... */
  readonly tier: number;
  /** Grows with each reset; wraps at 2^32. */
  readonly generation: number;
  readonly hasDeadline: boolean;
}

const DEADLINE = taskBudget.word.deadline;
const REMAINING = taskBudget.word.remaining;
const TIER = taskBudget.word.tier;
const GENERATION = taskBudget.word.generation;
const WORDS = taskBudget.bytes >> 2;

/** Deadlines are told from what is past as far away as this. */
const FARTHEST_MS = 2 ** 30;

/**
 * The budget of one task, on the thread that runs it, the only one that writes it. Others `attach` a BudgetReader by its handle.
 * Nothing here allocates but the constructor, or uses atomics: a word of one writer.
 */
export class TaskBudget {
  readonly #i32: Int32Array;
  readonly #remaining: number;
  readonly #at: number;
  readonly #pollBudget: number;

  /**
   * @param i32 of shared memory, or not, if no other thread is to read it
   * @param word index of the first of 4 words
   * @throws ArgumentRangeError
   */
  constructor(i32: Int32Array, word: number, options: TaskBudgetOptions = {}) {
    checkNames('options', options, ['pollBudget']);
    this.#i32 = i32;
    this.#at = checkInteger('word', word, 0, i32.length - WORDS);
    this.#remaining = word + REMAINING;
    this.#pollBudget = checkInteger(
      'pollBudget',
      options.pollBudget ?? POLL_BUDGET,
      MIN_POLL_BUDGET,
      MAX_POLL_BUDGET,
    );
    i32[word + DEADLINE] = 0;
    i32[word + TIER] = TIER_MONITOR;
    i32[word + GENERATION] = 0;
    i32[word + REMAINING] = this.#pollBudget;
  }

  /** In shared memory of its own. @throws ArgumentRangeError */
  static create(options: TaskBudgetOptions = {}): TaskBudget {
    return new TaskBudget(new Int32Array(new SharedArrayBuffer(taskBudget.bytes)), 0, options);
  }

  /** @throws ArgumentRangeError where it does not lie in shared memory */
  get handle(): TaskBudgetHandle {
    const { buffer, byteOffset } = this.#i32;
    if (!(buffer instanceof SharedArrayBuffer))
      throw new ArgumentRangeError('i32', buffer, 'words of shared memory: no other thread can read these');
    return { buffer, byteOffset: byteOffset + 4 * this.#at };
  }

  /** Units that are left. */
  get remaining(): number {
    return this.#i32[this.#remaining] as number;
  }

  /** Whether nothing is left. */
  get isSpent(): boolean {
    return this.#i32[this.#remaining] === 0;
  }

  /** TIER_ ... */
  get tier(): number {
    return this.#i32[this.#at + TIER] as number;
  }

  /** How often it was reset; wraps at 2^32. */
  get generation(): number {
    return (this.#i32[this.#at + GENERATION] as number) >>> 0;
  }

  /**
   * Takes units from what is left; where there are fewer, all that are. A part of a unit counts as one.
   * @returns whether there were enough. @throws ArgumentRangeError for less than 0
   */
  consume(units: number = 1): boolean {
    const i32 = this.#i32;
    const at = this.#remaining;
    const left = i32[at] as number;
    if (units >= 0 && units <= left) {
      i32[at] = left - units; // the whole number below
      return true;
    }
    return this.#fall(units);
  }

  #fall(units: number): false {
    if (!(units >= 0)) throw new ArgumentRangeError('units', units, 'a number from 0 on');
    this.#i32[this.#remaining] = 0;
    return false;
  }

  /** Gives it all its units, for the next poll. A deadline that was set is none any more. */
  reset(): void {
    const i32 = this.#i32;
    i32[this.#at + DEADLINE] = 0;
    i32[this.#remaining] = this.#pollBudget;
    i32[this.#at + GENERATION] = ((i32[this.#at + GENERATION] as number) + 1) | 0;
  }

  /** Resets it where it is spent, or its deadline has passed. @returns whether it did */
  resetIfNeeded(nowMs: number): boolean {
    if (!this.isSpent && !this.isPast(nowMs)) return false;
    this.reset();
    return true;
  }

  /** Raises the tier by one, as far as there is another. @returns the tier now */
  escalate(): number {
    const tier = Math.min(this.tier + 1, TIER_ISOLATE);
    this.#i32[this.#at + TIER] = tier;
    return tier;
  }

  /** What the tier machine says. @throws ArgumentRangeError */
  setTier(tier: number): void {
    this.#i32[this.#at + TIER] = checkInteger('tier', tier, TIER_MONITOR, TIER_ISOLATE);
  }

  /**
   * Until when the poll may last; undefined: as long as it likes.
   * @param deadlineMs by any clock, that of `isPast`. Further away than 2^30 ms is taken for that. @param nowMs by the same
   * @throws ArgumentRangeError
   */
  setDeadline(deadlineMs: number | undefined, nowMs: number): void {
    if (deadlineMs !== undefined && !(deadlineMs > -Infinity && nowMs > -Infinity))
      throw new ArgumentRangeError('deadlineMs', deadlineMs, 'a number, or undefined');
    const atMs = Math.min(Math.max(deadlineMs ?? 0, nowMs - FARTHEST_MS), nowMs + FARTHEST_MS);
    this.#i32[this.#at + DEADLINE] = deadlineMs === undefined ? 0 : Math.ceil(atMs) | 0 || 1; // 0 is none
  }

  /** Whether there is a deadline, and it has passed. */
  isPast(nowMs: number): boolean {
    const deadline = this.#i32[this.#at + DEADLINE] as number;
    return deadline !== 0 && ((Math.floor(nowMs) - deadline) | 0) >= 0;
  }
}

/** A budget of another thread, to look at. */
export class BudgetReader {
  readonly #i32: Int32Array;

  private constructor(i32: Int32Array) {
    this.#i32 = i32;
  }

  /** @throws AttachError */
  static attach(handle: TaskBudgetHandle): BudgetReader {
    const { buffer, byteOffset }: Partial<TaskBudgetHandle> = handle ?? {};
    if (!(buffer instanceof SharedArrayBuffer))
      throw new AttachError('scheduler/task-budget', 'buffer', buffer, 'a SharedArrayBuffer');
    const most = buffer.byteLength - taskBudget.bytes;
    if (
      !Number.isInteger(byteOffset) ||
      byteOffset < 0 ||
      byteOffset > most ||
      byteOffset % taskBudget.alignBytes !== 0
    )
      throw new AttachError(
        'scheduler/task-budget',
        'byteOffset',
        byteOffset,
        `a multiple of ${taskBudget.alignBytes} from 0 to ${most}`,
      );
    return new BudgetReader(new Int32Array(buffer, byteOffset, WORDS));
  }

  read(): BudgetSnapshot {
    const i32 = this.#i32;
    return {
      remaining: Atomics.load(i32, REMAINING),
      tier: Atomics.load(i32, TIER),
      generation: Atomics.load(i32, GENERATION) >>> 0,
      hasDeadline: Atomics.load(i32, DEADLINE) !== 0,
    };
  }
}
