// How a worker comes by other hooks while it runs tasks: a port of its own, on which its owner sends the URL of their module, and a word that tells it to look, for a worker
// with nothing to do blocks its thread. PROTOCOL.md, "Hooks".
import type { MessagePort } from 'node:worker_threads';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { checkHooks } from '../budgets/hook-slot.ts';
import type { TaskHooks } from '../budgets/hooks.ts';
import { importModule } from '../module-import.ts';
import type { Monitor } from './monitor.ts';
import type { WatchTable } from './watch-table.ts';

/** To the worker. */
export interface HooksOrder {
  readonly version: number;
  /** Undefined: none. */
  readonly module: string | undefined;
}

/** From the worker. */
export interface HooksMessage {
  readonly type: '@corelane/scheduler/hooks';
  readonly version: number;
  /** Why it has those that it had; undefined: it runs the new ones. */
  readonly failure: string | undefined;
}

export class HookPost {
  readonly #monitor: Monitor;
  readonly #watch: WatchTable;
  readonly #send: (message: HooksMessage) => void;
  /** Of the last order that has come. */
  #version: number;
  #importing = 0;
  /** Told when an order has been carried out. */
  onDone: () => void = () => {};

  /** @param version of the hooks that the worker has from its start */
  constructor(
    monitor: Monitor,
    watch: WatchTable,
    port: MessagePort,
    version: number,
    send: (message: HooksMessage) => void,
  ) {
    this.#monitor = monitor;
    this.#watch = watch;
    this.#version = version;
    this.#send = send;
    port.on('message', (order: HooksOrder) => void this.#carryOut(order));
    port.unref();
  }

  /** Whether an order is on its way, for which the event loop must have a turn. */
  get isTold(): boolean {
    return Atomics.load(this.#watch.i32, this.#watch.hooksWord) !== this.#version; // observe: pairs with the owner's store
  }

  /** Whether it waits for a module, and the event loop must run on. */
  get isBusy(): boolean {
    return this.#importing > 0;
  }

  async #carryOut({ version, module }: HooksOrder): Promise<void> {
    this.#version = version;
    this.#importing++;
    let failure: string | undefined;
    try {
      const hooks = module === undefined ? undefined : await importHooks(module);
      // A later order may have been faster.
      if (version === this.#version) this.#monitor.hooks.set(hooks);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    this.#importing--;
    this.#send({ type: '@corelane/scheduler/hooks', version, failure });
    this.onDone();
  }
}

/** @throws TypeError where the module has none */
export async function importHooks(module: string): Promise<TaskHooks> {
  const { default: hooks } = (await importModule(module)) as { default?: TaskHooks };
  try {
    return checkHooks(hooks as TaskHooks);
  } catch (cause) {
    if (!(cause instanceof ArgumentRangeError)) throw cause;
    throw new TypeError(`${module} has no hooks as its default export: ${cause.message}`, { cause });
  }
}
