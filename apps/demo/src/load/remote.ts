// The parent's end of the load process.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { entryExecArgv, entryUrl } from '../entry.ts';
import { PartError } from '../errors.ts';
import type { LoadCommand, LoadMessage } from '../load-process.ts';
import type { LoadOptions, LoadResult } from './run.ts';

export class RemoteLoad implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #began = Promise.withResolvers<number>();
  #latest = { sent: 0, answered: 0 };

  constructor() {
    // detached: Ctrl-C in a terminal reaches a whole process group; when this one is to stop, its parent says.
    this.#child = fork(entryUrl('load-process'), { execArgv: entryExecArgv(), detached: true });
  }

  /** Requests sent and answered, at most half a second old. */
  get progress(): { readonly sent: number; readonly answered: number } {
    return this.#latest;
  }

  /** When the first request goes out, on the machine's monotonic clock. */
  get began(): Promise<number> {
    return this.#began.promise;
  }

  /** Runs to the end of its duration, or until `stop`. @throws PartError */
  async run(options: LoadOptions): Promise<LoadResult> {
    const { promise, resolve, reject } = Promise.withResolvers<LoadResult>();
    this.#child.on('message', (message: LoadMessage) => {
      if ('progress' in message) this.#latest = message.progress;
      else if ('beganMs' in message) this.#began.resolve(message.beganMs);
      else if ('result' in message) resolve(message.result);
      else reject(new PartError('load', message.failure));
    });
    this.#child.once('exit', (code, signal) =>
      reject(new PartError('load', `ended with ${signal ?? `code ${code}`} before its result`)),
    );
    this.#command({ start: options });
    return await promise;
  }

  stop(): void {
    if (this.#child.connected) this.#command({ stop: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await exit;
  }

  #command(command: LoadCommand): void {
    this.#child.send(command);
  }
}
