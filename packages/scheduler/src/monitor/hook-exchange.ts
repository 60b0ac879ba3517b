// Of the owner: has all workers exchange their hooks, and knows when they have.
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { HooksBoot } from '../boot.ts';
import { HooksError } from '../errors.ts';
import type { SchedulerTable } from '../table.ts';
import type { HooksMessage, HooksOrder } from './hook-post.ts';
import type { WatchTable } from './watch-table.ts';

/** A worker that was about to block its thread when it was told is told again: guessed. */
const REMIND_EVERY_MS = 10;

interface Order extends HooksOrder {
  readonly waiting: Set<number>;
  readonly failures: string[];
  readonly done: () => void;
  readonly fail: (error: Error) => void;
}

export class HookExchange {
  readonly #table: SchedulerTable;
  readonly #watch: WatchTable;
  /** By index of the worker. */
  readonly #ports = new Map<number, MessagePort>();
  /** Those that have not all been answered. */
  #orders: Order[] = [];
  #reminding: NodeJS.Timeout | undefined;
  /** What workers are started with: that of the last exchange that has succeeded. One that fails must keep nobody from starting. */
  #module: string | undefined;
  #version = 0;

  constructor(table: SchedulerTable, watch: WatchTable, module: string | undefined) {
    this.#table = table;
    this.#watch = watch;
    this.#module = module;
  }

  /** A thread is started, with the hooks of now; exchanges that are under way follow. @returns what it is told; the port is to be transferred */
  begin(worker: number): HooksBoot {
    const { port1, port2 } = new MessageChannel();
    this.#ports.get(worker)?.close();
    port1.unref();
    this.#ports.set(worker, port1);
    const [first] = this.#orders;
    for (const { version, module, waiting } of this.#orders) {
      waiting.add(worker);
      port1.postMessage({ version, module } satisfies HooksOrder);
    }
    return {
      module: this.#module,
      version: first === undefined ? this.#version : (first.version - 1) | 0,
      port: port2,
    };
  }

  /** Its thread has ended. */
  remove(worker: number): void {
    this.#ports.get(worker)?.close();
    this.#ports.delete(worker);
    for (const order of this.#orders) order.waiting.delete(worker);
    this.#settle();
  }

  /** Settles when each worker that there is runs these, or has ended. Rejects with HooksError where one can not import them: it has those that it had. */
  set(module: string | undefined): Promise<void> {
    this.#version = (this.#version + 1) | 0;
    const order: HooksOrder = { version: this.#version, module };
    for (const port of this.#ports.values()) port.postMessage(order);
    // publish: pairs with the load in HookPost.isTold, by workers that find nothing to do.
    Atomics.store(this.#watch.i32, this.#watch.hooksWord, this.#version);
    return new Promise((done, fail) => {
      this.#orders.push({
        ...order,
        waiting: new Set(this.#ports.keys()),
        failures: [],
        done,
        fail,
      });
      this.#remind();
      this.#settle();
    });
  }

  answer(worker: number, { version, failure }: HooksMessage): void {
    for (const order of this.#orders) {
      if (((version - order.version) | 0) < 0 || !order.waiting.delete(worker)) continue;
      if (failure !== undefined) order.failures.push(`worker ${worker}: ${failure}`);
    }
    this.#settle();
  }

  stop(): void {
    clearInterval(this.#reminding);
    for (const port of this.#ports.values()) port.close();
    this.#ports.clear();
    for (const { waiting } of this.#orders) waiting.clear();
    this.#settle();
  }

  #remind(): void {
    const { kernel, at } = this.#table;
    kernel.wakeAll(at);
    this.#reminding ??= setInterval(() => kernel.wakeAll(at), REMIND_EVERY_MS);
  }

  #settle(): void {
    this.#orders = this.#orders.filter(({ module, waiting, failures, done, fail }) => {
      if (waiting.size > 0) return true;
      if (failures.length === 0) {
        this.#module = module;
        done();
      } else fail(new HooksError(module, failures));
      return false;
    });
    if (this.#orders.length > 0) return;
    clearInterval(this.#reminding);
    this.#reminding = undefined;
  }
}
