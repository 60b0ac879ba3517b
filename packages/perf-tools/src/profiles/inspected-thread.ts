// The inspector of any thread of this process, as a thing that commands are posted to. A worker's is reached by way of the main thread's
// (domain NodeWorker), from any thread: commands interrupt it at function calls and loop edges and in `Atomics.wait`, so one that spins answers too.
import { isMainThread, threadId as ownThreadId, type Worker } from 'node:worker_threads';
import type { Session } from 'node:inspector';
import { ProfilerUnavailableError, ThreadEndedError, ThreadSilentError } from '../errors.ts';
import { returnMainThreadSession, takeMainThreadSession } from './main-thread-sessions.ts';

/** Events of the main thread's inspector that @types/node does not pair with its methods. */
interface AttachedToWorker {
  readonly params: { readonly sessionId: string; readonly workerInfo: { readonly title: string } };
}
interface DetachedFromWorker {
  readonly params: { readonly sessionId: string };
}
interface ReceivedMessageFromWorker {
  readonly params: { readonly sessionId: string; readonly message: string };
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A session with one thread. */
export class InspectedThread {
  readonly threadId: number;
  /** Settled when the thread ends; never where it is this one or the main thread, and not after `close`. */
  readonly ended: Promise<void>;
  readonly #session: Session;
  readonly #pending = new Map<number, Pending>();
  readonly #isOfMainThread: boolean;
  /** An inspector's session does not keep a thread alive that waits for it. */
  readonly #alive = setInterval(() => undefined, 1 << 30);
  /** The worker's session within that of the main thread; undefined where it is the thread's own. */
  #sessionId: string | undefined;
  #lastId = 0;
  #closed: Promise<void> | undefined;
  #over: Error | undefined;
  #end: () => void = () => undefined;

  private constructor(session: Session, isOfMainThread: boolean, threadId: number) {
    this.#session = session;
    this.#isOfMainThread = isOfMainThread;
    this.threadId = threadId;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /**
   * @param worker where it is at hand: it may still be starting. Without, a thread that the inspector does not know does not exist
   * @param timeoutMs within which the inspector must have found it
   * @throws ThreadEndedError where there is no such thread, ProfilerUnavailableError where this Node was built without an inspector
   */
  static async open(
    threadId: number,
    worker: Worker | undefined,
    timeoutMs: number,
  ): Promise<InspectedThread> {
    const inspector = process.getBuiltinModule('node:inspector') as
      | typeof import('node:inspector')
      | undefined;
    if (inspector === undefined)
      throw new ProfilerUnavailableError('this Node was built without node:inspector');
    const isOfMainThread = !isMainThread && threadId !== ownThreadId;
    let session: Session;
    try {
      if (isOfMainThread) session = takeMainThreadSession(inspector);
      else (session = new inspector.Session()).connect();
    } catch (error) {
      throw new ProfilerUnavailableError((error as Error).message, { cause: error });
    }
    const thread = new InspectedThread(session, isOfMainThread, threadId);
    try {
      if (threadId !== ownThreadId && threadId !== 0) await thread.#attach(worker, timeoutMs);
      return thread;
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  /** @throws ThreadEndedError, ThreadSilentError, ProfilerUnavailableError with what the inspector refused */
  async post<Result>(method: string, params: object, timeoutMs: number): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (this.#over !== undefined) throw this.#over;
    const id = ++this.#lastId;
    this.#pending.set(id, { resolve, reject });
    const timer = setTimeout(
      () => reject(new ThreadSilentError(this.threadId, method, timeoutMs)),
      timeoutMs,
    );
    try {
      if (this.#sessionId === undefined)
        this.#session.post(method, params, (error, result) =>
          this.#settle({ id, result, ...(error === null ? {} : { error }) }),
        );
      else this.#postToWorker(this.#sessionId, { id, method, params });
      return (await promise) as Result;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** Ends what the thread was told to do through this. Twice is harmless. Settled when this thread may end. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#session.removeAllListeners();
    this.#fail(new ProfilerUnavailableError(`the session with thread ${this.threadId} is closed`));
    if (this.#isOfMainThread) await returnMainThreadSession(this.#session);
    else this.#session.disconnect();
    clearInterval(this.#alive);
  }

  async #attach(worker: Worker | undefined, timeoutMs: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Titles begin with the number of the thread; then follows what it was named.
    const title = `[worker ${this.threadId}]`;
    this.#session.on('NodeWorker.attachedToWorker', ({ params }: AttachedToWorker) => {
      if (this.#sessionId !== undefined || !params.workerInfo.title.startsWith(title)) return;
      this.#sessionId = params.sessionId;
      resolve();
    });
    this.#session.on('NodeWorker.detachedFromWorker', ({ params }: DetachedFromWorker) => {
      if (params.sessionId !== this.#sessionId) return;
      this.#fail(new ThreadEndedError(this.threadId));
      this.#end();
    });
    this.#session.on('NodeWorker.receivedMessageFromWorker', ({ params }: ReceivedMessageFromWorker) => {
      if (params.sessionId === this.#sessionId) this.#settle(JSON.parse(params.message) as Answer);
    });
    const late = new ThreadSilentError(this.threadId, 'NodeWorker.enable', timeoutMs);
    const timer = setTimeout(() => reject(late), timeoutMs);
    // It answers when all workers that there are have been announced.
    this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, (error) => {
      if (error !== null) reject(new ProfilerUnavailableError(error.message));
      else if (this.#sessionId === undefined && worker === undefined)
        reject(new ThreadEndedError(this.threadId));
    });
    const onExit = (): void => reject(new ThreadEndedError(this.threadId));
    worker?.once('exit', onExit);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      worker?.off('exit', onExit);
    }
  }

  #postToWorker(
    sessionId: string,
    command: { readonly id: number; readonly method: string; readonly params: object },
  ): void {
    const message = JSON.stringify(command);
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId, message }, (error) => {
      if (error !== null) this.#settle({ id: command.id, error });
    });
  }

  #settle({ id, result, error }: Answer): void {
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (error === undefined) pending?.resolve(result);
    else pending?.reject(new ProfilerUnavailableError(error.message));
  }

  #fail(error: Error): void {
    this.#over ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#over);
  }
}
