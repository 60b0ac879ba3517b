// The parent's end of the upstream process.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { entryExecArgv, entryUrl } from '../entry.ts';
import { PartError } from '../errors.ts';
import type { UpstreamTotals } from './arrivals.ts';
import type { Script } from './schedule.ts';

/** Between two looks. Guessed: many turns of the upstream's event loop. */
const SETTLE_MS = 20;

export class RemoteUpstream implements AsyncDisposable {
  /** Where events go. */
  readonly origin: string;
  readonly pid: number;
  readonly #control: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, ports: { port: number; controlPort: number }) {
    this.#child = child;
    this.pid = child.pid as number;
    this.origin = `http://127.0.0.1:${ports.port}`;
    this.#control = `http://127.0.0.1:${ports.controlPort}`;
  }

  /** @throws PartError where the process ends before it is ready */
  static async start(): Promise<RemoteUpstream> {
    // detached: Ctrl-C in a terminal reaches a whole process group; this one ends with its parent.
    const child = fork(entryUrl('upstream-process'), { execArgv: entryExecArgv(), detached: true });
    const ready = once(child, 'message').then(
      ([message]) => message as { port: number; controlPort: number },
    );
    const ended = once(child, 'exit').then(([code]) => {
      throw new PartError('upstream', `ended with code ${String(code)} before it was ready`);
    });
    const ports = await Promise.race([ready, ended]);
    ended.catch(() => undefined);
    return new RemoteUpstream(child, ports);
  }

  /** Starts a script of outages; its times count from when it arrives there. */
  async run(script: Script): Promise<void> {
    const response = await fetch(`${this.#control}/control`, {
      method: 'POST',
      body: JSON.stringify(script),
    });
    if (!response.ok) throw new PartError('upstream', `refused the script: ${await response.text()}`);
    await response.arrayBuffer();
  }

  async totals(): Promise<UpstreamTotals> {
    const response = await fetch(`${this.#control}/totals`);
    return (await response.json()) as UpstreamTotals;
  }

  /**
   * Totals at rest: nobody calls any more, everything that has arrived has ended, and nothing has arrived since the last look.
   * @throws PartError where that takes longer than `timeoutMs`
   */
  async settled(timeoutMs = 10_000): Promise<UpstreamTotals> {
    const deadlineMs = performance.now() + timeoutMs;
    let before = -1;
    for (;;) {
      const totals = await this.totals();
      const { received, delivered, failed, cut, hung, abandoned } = totals;
      const pending = received - delivered - failed - cut - hung - abandoned;
      if (pending === 0 && received === before) return totals;
      if (performance.now() > deadlineMs)
        throw new PartError('upstream', `${pending} requests without an end after ${timeoutMs} ms`);
      before = received;
      await sleep(SETTLE_MS);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
