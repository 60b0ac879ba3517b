// Which workers have been in one poll for long: what the words say that workers write (poll-word.ts), looked at every now and then. The same odd number twice is the same
// poll: so it has lasted at least from one look to the other, however late the looks come. Between polls the event loop is asked whether it turns (turn-echo.ts): what an
// async task does after an `await` is no poll, but keeps it from answering.
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
/** What it does is left over from tasks that have ended. */
const NO_TASK = '(none)';
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
  /** What its event loop has not answered; undefined where it is a poll. */
  readonly ping: number | undefined;
  /** -1 where it is not known which task it is of. */
  readonly slot: number;
  /** Of the slot. */
  readonly generation: number;
  /** The names of all that it may be, where that is not known. */
  readonly task: string;
}

interface Watched {
  thread: number;
  count: number;
  ping: number | undefined;
  sinceMs: number;
  /** When it was looked at last. */
  lookedMs: number;
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
      ping: undefined,
      sinceMs: 0,
      lookedMs: 0,
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
    const isPoll = (count & 1) === 1;
    if (
      thread === 0 ||
      thread !== watched.thread ||
      count !== watched.count ||
      !(isPoll || this.#isStill(entry, watched.ping))
    ) {
      watched.thread = thread;
      watched.count = count;
      watched.ping = thread === 0 || isPoll ? undefined : this.#ask(entry);
      watched.sinceMs = watched.lookedMs = nowMs;
      watched.said = 'nothing';
      return 'nothing';
    }
    // While it is held time stands still.
    if (Atomics.load(i32, entry + WORD.held) !== 0) watched.sinceMs += nowMs - watched.lookedMs;
    watched.lookedMs = nowMs;
    const lastedMs = nowMs - watched.sinceMs;
    if (watched.said === 'nothing' && lastedMs >= this.#slowMs) return (watched.said = 'slow');
    if (watched.said === 'slow' && lastedMs >= this.#killMs) return (watched.said = 'stuck');
    return 'nothing';
  }

  /** The poll that `look` has found. @returns undefined where its task has ended, as far as its slot says */
  pollOf(worker: number): Poll | undefined {
    const table = this.#table;
    const { thread, count, ping } = this.#watched[worker] as Watched;
    const found = { worker, threadId: thread - 1, count, ping };
    if (ping !== undefined) return { ...found, ...this.#waitingOn(worker) };
    const slot = Atomics.load(table.i32, table.workerWord(worker + 1) + WORD.polled);
    if (slot < 0 || slot >= table.slots || !this.#runs(slot, worker)) return undefined;
    return { ...found, ...this.#taskIn(slot) };
  }

  /** Whether it is under way still. */
  isUnderWay({ worker, threadId, count, ping }: Poll): boolean {
    const { i32 } = this.#table;
    const entry = this.#table.workerWord(worker + 1);
    return (
      Atomics.load(i32, entry + WORD.poll) === count &&
      Atomics.load(i32, entry + WORD.thread) === threadId + 1 &&
      (ping === undefined || this.#isStill(entry, ping))
    );
  }

  /** How long it has lasted at least. */
  lastedMs({ worker }: Poll, nowMs: number): number {
    return nowMs - (this.#watched[worker] as Watched).sinceMs;
  }
  /** Whether its event loop turns. @returns what it is to answer; undefined where it is not to turn */
  #ask(entry: number): number | undefined {
    const { i32 } = this.#table;
    if (Atomics.load(i32, entry + WORD.loop) === 0) return undefined;
    const ping = (Atomics.add(i32, entry + WORD.ping, 1) + 1) | 0; // publish: pairs with the load in echoTurns
    Atomics.notify(i32, entry + WORD.ping);
    return ping;
  }

  /** Whether its event loop has not answered, and should. */
  #isStill(entry: number, ping: number | undefined): boolean {
    const { i32 } = this.#table;
    return (
      ping !== undefined &&
      Atomics.load(i32, entry + WORD.loop) === 1 &&
      Atomics.load(i32, entry + WORD.echo) !== ping // observe: pairs with the store in echoTurns
    );
  }

  #runs(slot: number, worker: number): boolean {
    const state = this.#table.stateOf(slot);
    return workerIn(state) === worker + 1 && RUNS.has(stateIn(state));
  }

  #taskIn(slot: number): Pick<Poll, 'slot' | 'generation' | 'task'> {
    const table = this.#table;
    return { slot, generation: generationIn(table.stateOf(slot)), task: table.taskNameIn(slot) };
  }

  /** What a worker has begun and waits for. */
  #waitingOn(worker: number): Pick<Poll, 'slot' | 'generation' | 'task'> {
    const table = this.#table;
    const slots = Array.from({ length: table.slots }, (_, slot) => slot).filter((slot) =>
      this.#runs(slot, worker),
    );
    const [only] = slots;
    if (only !== undefined && slots.length === 1) return this.#taskIn(only);
    const names = new Set(slots.map((slot) => table.taskNameIn(slot)));
    return { slot: -1, generation: 0, task: names.size === 0 ? NO_TASK : [...names].join(' or ') };
  }
}
