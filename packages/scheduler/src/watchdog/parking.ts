// Workers that stand still for a while, in the middle of their JavaScript: by the port `Interrupt`, which a native layer satisfies.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkNames } from '../budgets/known-options.ts';
import { NotParkedError } from '../errors.ts';
import { workerEntry } from '../layout.ts';
import type { Interrupt } from '../ports.ts';
import type { Seat } from '../seat.ts';
import type { SchedulerTable } from '../table.ts';
import { moduleUrl } from '../tasks.ts';

export interface ParkOptions {
  /** It goes on by itself after that; 1000 ms by default. */
  readonly maxMs?: number;
}

/** A worker that stands still, until this is disposed or its time is over. It keeps what it holds. */
export interface ParkedWorker extends Disposable {
  readonly worker: number;
  /** It goes on. Harmless where it does already. @returns how long it stood, in milliseconds; undefined where that is not known, or was said before */
  resume(): number | undefined;
}

/** As with `Interrupt`s: longer is no use. */
const MOST_MS = 60_000;
const USUAL_MS = 1000;

export class Parking {
  readonly #table: SchedulerTable;
  readonly #seats: readonly Seat[];
  readonly #module: string | undefined;
  #port: Promise<Interrupt> | undefined;

  /** @param module of the `Interrupt`. @throws ArgumentRangeError */
  constructor(table: SchedulerTable, seats: readonly Seat[], module: string | URL | undefined) {
    this.#table = table;
    this.#seats = seats;
    this.#module = module === undefined ? undefined : moduleUrl(module);
  }

  /** Settles when the worker stands still. Rejects with ArgumentRangeError, NotParkedError. */
  async park(worker: number, options: ParkOptions): Promise<ParkedWorker> {
    checkNames('options', options, ['maxMs']);
    const { maxMs = USUAL_MS } = options;
    const seat = Number.isInteger(worker) ? this.#seats[worker] : undefined;
    if (seat === undefined)
      throw new ArgumentRangeError('worker', worker, `an integer from 0 to ${this.#seats.length - 1}`);
    if (typeof maxMs !== 'number' || !(maxMs > 0) || maxMs > MOST_MS)
      throw new ArgumentRangeError('maxMs', maxMs, `more than 0, at most ${MOST_MS}`);
    if (this.#module === undefined)
      throw new NotParkedError(worker, 'there is no option interrupt, expected the URL of a module');
    const { threadId, parkTicket } = seat;
    if (seat.state !== 'ready')
      throw new NotParkedError(worker, `it is ${seat.state}, expected it to be ready`);
    if (parkTicket === undefined)
      throw new NotParkedError(worker, 'it could not register itself: see event warning');
    const port = await (this.#port ??= portOf(this.#module));
    const held = this.#table.workerWord(seat.party) + workerEntry.word.held;
    const { i32 } = this.#table;
    Atomics.add(i32, held, 1); // publish: pairs with the load in PollSampler.look
    let isHeld = true;
    const release = (): void => {
      if (isHeld && seat.threadId === threadId) Atomics.sub(i32, held, 1);
      isHeld = false;
    };
    try {
      const thread = await port.park(parkTicket, { maxMs });
      const timer = setTimeout(release, maxMs).unref();
      const resume = (): number | undefined => {
        if (!isHeld) return undefined;
        clearTimeout(timer);
        release();
        return thread.resume();
      };
      return { worker, resume, [Symbol.dispose]: () => void resume() };
    } catch (error) {
      release();
      throw new NotParkedError(worker, error instanceof Error ? error.message : String(error), {
        cause: error,
      });
    }
  }
}

async function portOf(module: string): Promise<Interrupt> {
  const { default: port } = (await import(module)) as { default?: Partial<Interrupt> };
  if (typeof port?.park !== 'function')
    throw new TypeError(`${module} has no default export with a function 'park'`);
  return port as Interrupt;
}
