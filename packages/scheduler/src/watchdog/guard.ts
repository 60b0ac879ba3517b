// The watchdog as the owner of a scheduler has it: on its own thread, or on another one that tells it what it finds.
import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { sourceExecArgv, watchdogUrl } from '../boot.ts';
import type { SchedulerTable } from '../table.ts';
import { publishSlow, publishStuck } from './channels.ts';
import type { WatchdogPlan } from './options.ts';
import type { ThreadData, ThreadMessage } from './thread.ts';
import { Watchdog, type SlowTask } from './watchdog.ts';

export interface GuardEvents {
  onSlow(task: SlowTask): void;
  /** Its worker takes no more tasks, and is to be terminated. */
  onStuck(task: SlowTask): void;
  /** Something that was asked for could not be had. */
  onWarning(text: string): void;
}

export class Guard implements Disposable {
  readonly #table: SchedulerTable;
  readonly #plan: WatchdogPlan;
  readonly #name: string;
  readonly #events: GuardEvents;
  #watchdog: Watchdog | undefined;
  #thread: Worker | undefined;
  #port: MessagePort | undefined;
  /** What the other thread has said last, by index of the worker. */
  readonly #stuck: (SlowTask | undefined)[] = [];

  /** @param name of the scheduler */
  constructor(table: SchedulerTable, plan: WatchdogPlan, name: string, events: GuardEvents) {
    this.#table = table;
    this.#plan = plan;
    this.#name = name;
    this.#events = events;
    if (plan.thread) this.#startThread();
    else this.#startHere();
  }

  /** Nobody is watched any more. Harmless when called again. */
  [Symbol.dispose](): void {
    this.#watchdog?.[Symbol.dispose]();
    this.#port?.close();
    const thread = this.#thread;
    this.#thread = this.#port = this.#watchdog = undefined;
    void thread?.terminate();
  }

  /** Why a worker's thread, that has ended, was given up by the watchdog's thread: its message may be on the way still. */
  whyStuck(worker: number, threadId: number): SlowTask | undefined {
    if (this.#port !== undefined)
      for (
        let next = receiveMessageOnPort(this.#port);
        next !== undefined;
        next = receiveMessageOnPort(this.#port)
      )
        this.#hear(next.message as ThreadMessage);
    const stuck = this.#stuck[worker];
    return stuck?.threadId === threadId ? stuck : undefined;
  }

  #startHere(): void {
    this.#watchdog = new Watchdog(this.#table, this.#plan, {
      slow: (task) => this.#hear({ type: 'slow', task }),
      stuck: (task) => this.#hear({ type: 'stuck', task }),
    });
  }

  #startThread(): void {
    const { port1, port2 } = new MessageChannel();
    const data: ThreadData = { handle: this.#table.handle, plan: this.#plan, port: port2 };
    const execArgv = sourceExecArgv(undefined);
    const thread = new Worker(watchdogUrl(), {
      workerData: data,
      transferList: [port2],
      name: `${this.#name} watchdog`,
      ...(execArgv && { execArgv }),
    });
    port1.on('message', (message: ThreadMessage) => this.#hear(message));
    port1.unref();
    thread.unref();
    thread.on('error', (error) => this.#fallBack(String(error)));
    thread.on('exit', () => this.#fallBack('its thread has ended'));
    this.#thread = thread;
    this.#port = port1;
  }

  #fallBack(reason: string): void {
    if (this.#thread === undefined) return;
    this.#thread = undefined;
    this.#port?.close();
    this.#port = undefined;
    this.#startHere();
    this.#events.onWarning(`the watchdog runs on the owner's thread from here on: ${reason}`);
  }

  #hear({ type, task }: ThreadMessage): void {
    if (type === 'slow') {
      publishSlow(this.#name, task);
      this.#events.onSlow(task);
    } else {
      this.#stuck[task.worker] = task;
      this.#events.onStuck(task); // first: a subscriber may throw
      publishStuck(this.#name, task);
    }
  }
}
