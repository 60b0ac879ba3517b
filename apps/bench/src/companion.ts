// A process of Node beside that of the group, for what needs one of its own: its own pool of threads, its own CPU time, the other end of a socket.
import { type ChildProcess, fork } from 'node:child_process';
import { entryUrl } from './entry-url.ts';
import { NotMeasurableError, messageOf } from './errors.ts';
import { countAsOwn } from './machine-load.ts';

type Answer =
  | { readonly type: 'answer'; readonly value: unknown }
  | { readonly type: 'unavailable'; readonly reason: string }
  | { readonly type: 'error'; readonly reason: string };

/** So that it can collect before it measures. */
const EXPOSE_GC = '--expose-gc';

/** The group's end. Takes one request at a time. */
export class Companion {
  readonly #child: ChildProcess;
  #pending: PromiseWithResolvers<unknown> | undefined;
  #ended: string | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    if (child.pid !== undefined) countAsOwn(child.pid);
    child.on('message', (answer: Answer) => this.#take(answer));
    child.once('error', ({ message }) => this.#end(message));
    child.once('exit', (code, signal) => this.#end(`ended with ${signal ?? code}`));
  }

  /**
   * @param entry as for `entryUrl`: a module that calls `serveRequests`
   * @param env variables beside those of this process
   */
  static start(entry: string, env: NodeJS.ProcessEnv = {}): Companion {
    // stdout belongs to the bench's own report.
    return new Companion(
      fork(entryUrl(entry), {
        env: { ...process.env, ...env },
        execArgv: [...process.execArgv.filter((flag) => flag !== EXPOSE_GC), EXPOSE_GC],
        stdio: ['ignore', 2, 2, 'ipc'],
      }),
    );
  }

  /** @throws NotMeasurableError where the process says that it cannot be done here */
  async request<T>(request: object): Promise<T> {
    if (this.#ended !== undefined) throw new Error(`the companion ${this.#ended}`);
    if (this.#pending) throw new Error('the companion takes one request at a time');
    this.#pending = Promise.withResolvers<unknown>();
    this.#child.send(request);
    return (await this.#pending.promise) as T;
  }

  [Symbol.dispose](): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #take(answer: Answer): void {
    const pending = this.#pending;
    this.#pending = undefined;
    if (answer.type === 'answer') pending?.resolve(answer.value);
    else if (answer.type === 'unavailable') pending?.reject(new NotMeasurableError(answer.reason));
    else pending?.reject(new Error(`the companion: ${answer.reason}`));
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#pending?.reject(new Error(`the companion ${reason}`));
    this.#pending = undefined;
  }
}

/** The companion's end: answers requests until the group is gone. */
export function serveRequests(answer: (request: never) => unknown): void {
  const reply = async (request: never): Promise<Answer> => {
    try {
      return { type: 'answer', value: await answer(request) };
    } catch (error) {
      return {
        type: error instanceof NotMeasurableError ? 'unavailable' : 'error',
        reason: messageOf(error),
      };
    }
  };
  process.on('message', (request) => {
    void reply(request as never).then((result) => process.send?.(result));
  });
  process.once('disconnect', () => process.exit(0));
}

export interface Spent {
  readonly elapsedNs: number;
  /** CPU time of the process, all its threads. */
  readonly cpuNs: number;
}

/** Starts observing this process; the function returned says what it spent since. */
export function observeSpent(): () => Spent {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  return () => {
    const elapsedNs = Number(process.hrtime.bigint() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { elapsedNs, cpuNs: (user + system) * 1000 };
  };
}
