// A CPU profile being recorded of any thread of this process. The thread needs no code of its own for it and may spin meanwhile.
//
// By the inspector: it sets intervals on every supported Node, reaches threads that somebody else started, and makes V8 name a function that has been in one
// long loop since before. `worker.startCpuProfile` (Node 24.8 and later) cannot do these; it stands in where the inspector is not to be had
// (`--permission`, a Node built without). Measured on Node 22.18, 24.11 and 26.10: 20–60 ms to start either way (V8 logs all code that exists), 2–5 ms to stop.
import { setTimeout as delay } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import {
  checkInteger,
  checkNames,
  ProfilerUnavailableError,
  ThreadEndedError,
  ThreadSilentError,
} from '../errors.ts';
import { checkCpuProfile, type CpuProfile } from './cpu-profile.ts';
import { InspectedThread } from './inspected-thread.ts';

/** The thread to profile: its Worker, or its `threadId` (0 is the main thread), of this process. */
export type ProfileTarget = Worker | number;

export interface RecordingOptions {
  /** Microseconds between samples, 50 to 1,000,000; V8's 1000 by default. What it really was is in the profile. */
  readonly intervalUs?: number;
  /**
   * Throws the thread's optimised code away as the recording begins; it is compiled anew within milliseconds. True by default: code that V8 entered
   * in the middle of a loop, before, has no name for the profiler otherwise, and its time goes to who called it. Not done with `NODE_V8_COVERAGE`.
   */
  readonly deoptimize?: boolean;
  /** Milliseconds within which the thread must answer, 1 to 2³¹ − 1; 10,000 by default. */
  readonly timeoutMs?: number;
  /** `main` or `worker 3` by default. */
  readonly name?: string;
  /** Discards the recording: who waits for it, or asks for its profile, gets `signal.reason`. */
  readonly signal?: AbortSignal;
}

export interface ProfileOptions extends RecordingOptions {
  /** Milliseconds, 1 to 2³¹ − 1. */
  readonly durationMs: number;
}

/** A profile and whose it is: what the conversions of this package take. */
export interface NamedProfile {
  readonly name: string;
  readonly profile: CpuProfile;
}

export interface ThreadProfile extends NamedProfile {
  readonly threadId: number;
  /** What recorded it. */
  readonly by: 'worker.startCpuProfile' | 'inspector';
}

/** What has been started: who stops it, once. */
interface Profiler {
  readonly by: ThreadProfile['by'];
  /** Settled when the thread has ended. */
  readonly ended: Promise<void>;
  stop(timeoutMs: number): Promise<unknown>;
  /** Ends it and forgets what it has. */
  discard(): Promise<void>;
}

const MAX_MS = 0x7f_ff_ff_ff;
const V8_INTERVAL_US = 1000;
const DEFAULT_TIMEOUT_MS = 10_000;
const RECORDING_OPTIONS = ['intervalUs', 'deoptimize', 'timeoutMs', 'name', 'signal'];

/** A recording that goes on until it is stopped or disposed. */
export class Recording {
  readonly threadId: number;
  readonly name: string;
  readonly #profiler: Profiler;
  readonly #timeoutMs: number;
  readonly #signal: AbortSignal | undefined;
  #stopped: Promise<ThreadProfile> | undefined;
  #discarded: Promise<void> | undefined;

  /** By `startProfile`. @internal */
  constructor(threadId: number, name: string, profiler: Profiler, timeoutMs: number, signal?: AbortSignal) {
    this.threadId = threadId;
    this.name = name;
    this.#profiler = profiler;
    this.#timeoutMs = timeoutMs;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#abort);
    if (signal?.aborted === true) this.#abort();
  }

  /** Settled when the thread has ended by itself: there will be no profile. */
  get ended(): Promise<void> {
    return this.#profiler.ended;
  }

  /** The profile; the same one however often it is asked for. @throws ThreadEndedError, ThreadSilentError, ProfilerUnavailableError */
  stop(): Promise<ThreadProfile> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  /** Ends a recording and forgets it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#stopped === undefined)
      this.#discard(new ProfilerUnavailableError(`the recording of ${this.name} was disposed`));
    await this.#stopped?.catch(() => undefined);
    await this.#discarded;
  }

  #abort = (): void => this.#discard(this.#signal?.reason);

  #discard(reason: unknown): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = Promise.reject(reason);
    this.#stopped.catch(() => undefined); // nobody need ask for it
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#discarded = this.#profiler.discard();
  }

  async #stop(): Promise<ThreadProfile> {
    const { name, threadId } = this;
    this.#signal?.removeEventListener('abort', this.#abort);
    const profile = checkCpuProfile(await this.#profiler.stop(this.#timeoutMs));
    return { name, threadId, by: this.#profiler.by, profile };
  }
}

/**
 * Begins to record a thread.
 * @throws ArgumentRangeError, ThreadEndedError, ThreadSilentError, ProfilerUnavailableError; `signal.reason` where it is aborted
 */
export async function startProfile(
  target: ProfileTarget,
  options: RecordingOptions = {},
): Promise<Recording> {
  checkNames('startProfile', options, RECORDING_OPTIONS);
  return start(target, options);
}

/**
 * Records a worker for a while. Nothing is asked of its code, and it may spin.
 * @throws ArgumentRangeError, ThreadEndedError where it ends meanwhile, ThreadSilentError, ProfilerUnavailableError; `signal.reason` where it is aborted
 */
export async function profileWorker(worker: Worker, options: ProfileOptions): Promise<ThreadProfile> {
  return recordFor(worker, options);
}

/** As `profileWorker`, of any thread of this process by its `threadId`: 0 is the main thread, and its own is allowed. */
export async function profileThread(threadId: number, options: ProfileOptions): Promise<ThreadProfile> {
  return recordFor(threadId, options);
}

async function recordFor(target: ProfileTarget, options: ProfileOptions): Promise<ThreadProfile> {
  checkNames('a profile', options, ['durationMs', ...RECORDING_OPTIONS]);
  const { durationMs, ...rest } = options;
  checkInteger('durationMs', durationMs, 1, MAX_MS);
  await using recording = await start(target, rest);
  const over = new AbortController();
  const { signal } = rest;
  try {
    const waiting = { signal: AbortSignal.any(signal === undefined ? [over.signal] : [signal, over.signal]) };
    await Promise.race([delay(durationMs, undefined, waiting), recording.ended]);
  } catch {
    // Aborted: the recording has the reason.
  } finally {
    over.abort();
  }
  return await recording.stop();
}

async function start(target: ProfileTarget, options: RecordingOptions): Promise<Recording> {
  const { intervalUs, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  const threadId = typeof target === 'number' ? target : target.threadId;
  if (typeof target === 'number') checkInteger('threadId', threadId, 0, Number.MAX_SAFE_INTEGER);
  else if (threadId < 0) throw new ThreadEndedError(threadId);
  if (intervalUs !== undefined) checkInteger('intervalUs', intervalUs, 50, 1_000_000);
  checkInteger('timeoutMs', timeoutMs, 1, MAX_MS);
  signal?.throwIfAborted();
  const { name = threadId === 0 ? 'main' : `worker ${threadId}` } = options;
  const profiler = await startByInspector(threadId, target, options, timeoutMs).catch((error: unknown) => {
    if (!(error instanceof ProfilerUnavailableError) || typeof target === 'number') throw error;
    return startByWorker(target, threadId, options, timeoutMs, error);
  });
  const recording = new Recording(threadId, name, profiler, timeoutMs, signal);
  signal?.throwIfAborted();
  return recording;
}

/** @param why the inspector could not */
async function startByWorker(
  worker: Worker,
  threadId: number,
  { intervalUs }: RecordingOptions,
  timeoutMs: number,
  why: ProfilerUnavailableError,
): Promise<Profiler> {
  if (intervalUs !== undefined || typeof worker.startCpuProfile !== 'function') throw why;
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  const onExit = (): void => end();
  worker.once('exit', onExit);
  const starting = worker.startCpuProfile();
  const handle = await answerOf(starting, ended, threadId, 'startCpuProfile', timeoutMs).catch(
    (error: unknown) => {
      worker.off('exit', onExit);
      starting.then((late) => late.stop()).catch(() => undefined);
      throw error;
    },
  );
  return {
    by: 'worker.startCpuProfile',
    ended,
    stop: async (withinMs) => {
      try {
        return JSON.parse(await answerOf(handle.stop(), ended, threadId, 'stop', withinMs)) as unknown;
      } finally {
        worker.off('exit', onExit);
      }
    },
    discard: async () => {
      worker.off('exit', onExit);
      await handle.stop().catch(() => undefined);
    },
  };
}

async function startByInspector(
  threadId: number,
  target: ProfileTarget,
  { intervalUs, deoptimize = true }: RecordingOptions,
  timeoutMs: number,
): Promise<Profiler> {
  const thread = await InspectedThread.open(
    threadId,
    typeof target === 'number' ? undefined : target,
    timeoutMs,
  );
  try {
    await thread.post('Profiler.enable', {}, timeoutMs);
    // Also where it is V8's own: the session may have had another one.
    await thread.post('Profiler.setSamplingInterval', { interval: intervalUs ?? V8_INTERVAL_US }, timeoutMs);
    await thread.post('Profiler.start', {}, timeoutMs);
    // Coverage by counts has V8 drop all optimised code; ending it would end that of somebody else, too.
    if (deoptimize && process.env['NODE_V8_COVERAGE'] === undefined) {
      await thread.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false }, timeoutMs);
      await thread.post('Profiler.stopPreciseCoverage', {}, timeoutMs);
    }
  } catch (error) {
    await thread.close();
    throw error;
  }
  return {
    by: 'inspector',
    ended: thread.ended,
    stop: async (withinMs) => {
      try {
        return (await thread.post<{ readonly profile: unknown }>('Profiler.stop', {}, withinMs)).profile;
      } finally {
        await thread.close();
      }
    },
    discard: () => thread.close(),
  };
}

/** What a thread answers, unless it ends first or is late. */
async function answerOf<T>(
  answer: Promise<T>,
  ended: Promise<void>,
  threadId: number,
  what: string,
  timeoutMs: number,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new ThreadSilentError(threadId, what, timeoutMs)), timeoutMs);
  });
  const gone = ended.then((): never => {
    throw new ThreadEndedError(threadId);
  });
  try {
    return await Promise.race([answer, gone, late]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_WORKER_NOT_RUNNING')
      throw new ThreadEndedError(threadId, { cause: error });
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
