// Which workers have been in one poll for long: what the words say that workers write (poll-word.ts), looked at every now and then. The same odd number twice is the same
// poll: so it has lasted at least from one look to the other, however late the looks come.
import {
  SLOT_CONDEMNED,
  SLOT_DOOMED,
  SLOT_ORPHANED,
  SLOT_RUNNING,
  SLOT_STUCK,
  workerEntry,
} from '../layout.ts';
import { generationIn, stateIn, workerIn, type SchedulerTable } from '../table.ts';

const WORD = workerEntry.word;
const RUNS = new Set([SLOT_RUNNING, SLOT_ORPHANED, SLOT_CONDEMNED, SLOT_DOOMED, SLOT_STUCK]);

/** What became known of a worker's poll: nothing new; it is slow; it does not end. Each of the last two is said once of a poll. */
export type Finding = 'nothing' | 'slow' | 'stuck';

/** A poll that is under way, or was. */
export interface Poll {
  readonly worker: number;
  /** Of the thread. */
  readonly threadId: number;
  /** Tells it from other polls of its thread. */
  readonly count: number;
  readonly slot: number;
  /** Of the slot. */
  readonly generation: number;
  readonly task: string;
}

interface Watched {
  thread: number;
  count: number;
  sinceMs: number;
  said: Finding;
}

export class PollSampler {
  readonly #table: SchedulerTable;
  readonly #slowMs: number;
  readonly #killMs: number;
  readonly #watched: readonly Watched[];

  constructor(table: SchedulerTable, { slowMs, killMs }: { slowMs: number; killMs: number }) {
    this.#table = table;
    this.#slowMs = slowMs;
    this.#killMs = killMs;
    this.#watched = Array.from({ length: table.threads }, () => ({
      thread: 0,
      count: 0,
      sinceMs: 0,
      said: 'nothing',
    }));
  }

  /** @param worker its index */
  look(worker: number, nowMs: number): Finding {
    const { i32 } = this.#table;
    const entry = this.#table.workerWord(worker + 1);
    const watched = this.#watched[worker] as Watched;
    const thread = Atomics.load(i32, entry + WORD.thread); // observe: pairs with PollWord.open, and the owner's clearing it
    const count = Atomics.load(i32, entry + WORD.poll);
    if (thread === 0 || (count & 1) === 0 || count !== watched.count || thread !== watched.thread) {
      watched.thread = thread;
      watched.count = count;
      watched.sinceMs = nowMs;
      watched.said = 'nothing';
      return 'nothing';
    }
    const lastedMs = nowMs - watched.sinceMs;
    if (watched.said === 'nothing' && lastedMs >= this.#slowMs) return (watched.said = 'slow');
    if (watched.said === 'slow' && lastedMs >= this.#killMs) return (watched.said = 'stuck');
    return 'nothing';
  }

  /** The poll that `look` has found. @returns undefined where its task has ended, as far as its slot says */
  pollOf(worker: number): Poll | undefined {
    const table = this.#table;
    const { thread, count } = this.#watched[worker] as Watched;
    const slot = Atomics.load(table.i32, table.workerWord(worker + 1) + WORD.polled);
    if (slot < 0 || slot >= table.slots) return undefined;
    const state = table.stateOf(slot);
    if (workerIn(state) !== worker + 1 || !RUNS.has(stateIn(state))) return undefined;
    const task = table.taskNameIn(slot);
    return { worker, threadId: thread - 1, count, slot, generation: generationIn(state), task };
  }

  /** Whether it is under way still. */
  isUnderWay({ worker, threadId, count }: Poll): boolean {
    const { i32 } = this.#table;
    const entry = this.#table.workerWord(worker + 1);
    return (
      Atomics.load(i32, entry + WORD.poll) === count &&
      Atomics.load(i32, entry + WORD.thread) === threadId + 1
    );
  }

  /** How long it has lasted at least. */
  lastedMs({ worker }: Poll, nowMs: number): number {
    return nowMs - (this.#watched[worker] as Watched).sinceMs;
  }
}
