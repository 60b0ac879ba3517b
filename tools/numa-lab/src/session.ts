/** One run of a machine, from the emulator's start to its end. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { tail } from './command.ts';
import type { EmulatorCommand } from './emulator.ts';
import { LabError } from './errors.ts';
import type { GuestEvent, TestResult } from './guest-event.ts';
import { GuestStream } from './guest-stream.ts';

export interface SessionTimeouts {
  /** From the start to the program's first word. */
  readonly bootMs: number;
  /** Of each test. */
  readonly testMs: number;
}

export type Hello = Extract<GuestEvent, { event: 'hello' }>;

export interface SessionOutcome {
  readonly hello: Hello | null;
  /** In the order in which they ran; a test that was begun and never answered is a failed one. */
  readonly results: readonly TestResult[];
  /** Why the machine did not come to its end; `null` where it did. */
  readonly problem: LabError | null;
  readonly bootMs: number | null;
  readonly durationMs: number;
}

const CONSOLE_TAIL_LINES = 25;
/** The machine has said that it is done: how long it may take to power off. */
const POWER_OFF_MS = 15_000;

/**
 * Starts the emulator and listens until it ends. A machine that says nothing for too long, or nonsense, is killed. Never rejects for what the machine does.
 * @param consoleLog where the emulator writes the console; its last lines go into the message of a problem.
 * @param signal kills the emulator; the problem then is the signal's reason.
 */
export async function runSession(
  emulator: EmulatorCommand,
  {
    consoleLog,
    timeouts,
    signal,
    onResult,
  }: {
    readonly consoleLog: string;
    readonly timeouts: SessionTimeouts;
    readonly signal?: AbortSignal;
    readonly onResult?: (result: TestResult) => void;
  },
): Promise<SessionOutcome> {
  const log = new SessionLog(onResult);
  const child = spawn(emulator.command, emulator.args, {
    env: { ...process.env, ...emulator.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  let cutOff: string | null = null;
  const kill = (why: string): void => {
    cutOff ??= why;
    child.kill('SIGKILL');
  };
  let timer: NodeJS.Timeout | undefined;
  const waitFor = (what: string, milliseconds: number): void => {
    clearTimeout(timer);
    timer = setTimeout(() => kill(`${what} did not come within ${milliseconds / 1000} s`), milliseconds);
  };
  const onAbort = (): void => kill(`stopped: ${String(signal?.reason)}`);
  signal?.addEventListener('abort', onAbort);
  if (signal?.aborted === true) onAbort();
  waitFor('the first word of the machine', timeouts.bootMs);
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      log.push(chunk);
    } catch (error) {
      kill(error instanceof Error ? error.message : String(error));
      return;
    }
    const [what, milliseconds] = log.expects(timeouts);
    waitFor(what, milliseconds);
  });
  const ended = await new Promise<string>((resolve) => {
    child.on('error', (error) => resolve(`could not be started: ${error.message}`));
    child.on('close', (status, killed) =>
      resolve(killed === null ? `ended with exit code ${status}` : `was killed by ${killed}`),
    );
  });
  clearTimeout(timer);
  signal?.removeEventListener('abort', onAbort);
  const trouble = cutOff ?? log.trouble(`the emulator ${ended}`);
  if (trouble === null) return log.outcome(null);
  const console_ = await readFile(consoleLog, 'utf8').catch(() => '');
  return log.outcome(new LabError('ERR_LAB_MACHINE', describe(trouble, console_, stderr)));
}

/** A panic is the reason, whatever was noticed of it. */
function describe(trouble: string, console_: string, stderr: string): string {
  const panic = /Kernel panic[^\r\n]*/.exec(console_)?.[0];
  const said = [
    stderr.trim() === '' ? '' : `\nthe emulator said:\n${tail(stderr)}`,
    console_.trim() === ''
      ? '\nthe console is empty'
      : `\nthe console's last lines:\n${tail(console_, CONSOLE_TAIL_LINES)}`,
  ];
  return `${panic === undefined ? trouble : `${panic} (${trouble})`}${said.join('')}`;
}

/** What the machine has said so far. */
class SessionLog {
  readonly #started = performance.now();
  readonly #stream = new GuestStream();
  readonly #results: TestResult[] = [];
  readonly #onResult: ((result: TestResult) => void) | undefined;
  #hello: Hello | null = null;
  #bootMs: number | null = null;
  #begun: { suite: string; test: string; at: number } | null = null;
  #ended = false;
  #exitStatus: number | null = null;

  constructor(onResult: ((result: TestResult) => void) | undefined) {
    this.#onResult = onResult;
  }

  push(chunk: Uint8Array): void {
    for (const event of this.#stream.push(chunk)) this.#take(event);
  }

  #take(event: GuestEvent): void {
    switch (event.event) {
      case 'hello':
        this.#hello = event;
        this.#bootMs = performance.now() - this.#started;
        return;
      case 'begin':
        this.#begun = { suite: event.suite, test: event.test, at: performance.now() };
        return;
      case 'result': {
        const { event: _, ...result } = event;
        this.#begun = null;
        this.#add(result);
        return;
      }
      case 'end':
        this.#ended = true;
        return;
      case 'exit':
        this.#exitStatus = event.status;
    }
  }

  #add(result: TestResult): void {
    this.#results.push(result);
    this.#onResult?.(result);
  }

  /** What must come next, and within how many milliseconds. */
  expects({ bootMs, testMs }: SessionTimeouts): [what: string, milliseconds: number] {
    if (this.#exitStatus !== null || this.#ended) return ['the end of the machine', POWER_OFF_MS];
    if (this.#hello === null) return ['the first word of the machine', bootMs];
    return [
      this.#begun === null ? 'the next test' : `the result of ${this.#begun.suite}: ${this.#begun.test}`,
      testMs,
    ];
  }

  /** `null` where all that had to be said was said. */
  trouble(ended: string): string | null {
    if (this.#hello === null) return `${ended} before the machine said anything`;
    if (!this.#ended)
      return this.#exitStatus === null
        ? `${ended} before the tests did`
        : `the program in the machine ended with exit code ${this.#exitStatus} before its tests did`;
    if (this.#stream.unfinished !== '') return `${ended} in the middle of a line`;
    if (this.#results.length !== this.#hello.tests)
      return `${this.#results.length} results came, ${this.#hello.tests} tests were announced`;
    return null;
  }

  outcome(problem: LabError | null): SessionOutcome {
    if (this.#begun !== null && problem !== null)
      this.#add({
        suite: this.#begun.suite,
        test: this.#begun.test,
        asked: '',
        readBack: `no answer: ${problem.message.split('\n')[0]}`,
        verdict: 'failed',
        durationMs: performance.now() - this.#begun.at,
      });
    return {
      hello: this.#hello,
      results: this.#results,
      problem,
      bootMs: this.#bootMs,
      durationMs: performance.now() - this.#started,
    };
  }
}
