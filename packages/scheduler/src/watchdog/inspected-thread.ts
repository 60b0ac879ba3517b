// Another thread of the process, by way of `node:inspector`: what it is doing, in the middle of a synchronous loop, and its end.
//
// The thread evaluates an expression where V8 lets it be interrupted: at function calls and loop edges, and in `Atomics.wait`. It does not stop, and no debugger is enabled on it, so nobody
// else who inspects it notices. Measured on Node 22.18, 24.11 and 26.10, 2 ms. Rejected: `Debugger.pause` (20 ms; other sessions see the pause; who asks must come back to resume
// it), `worker.startCpuProfile` (20 ms; Node 24.8 and later; the owner's thread alone).
import { isMainThread } from 'node:worker_threads';

/** Its value, or why there is none. */
export type Inspected =
  | { readonly value: string; readonly reason?: undefined }
  | { readonly value?: undefined; readonly reason: string };

/** Of the main thread's inspector; the types of Node know their names. */
interface Attached {
  readonly params: {
    readonly sessionId: string;
    readonly workerInfo: { readonly title: string };
  };
}
interface Received {
  readonly params: { readonly sessionId: string; readonly message: string };
}
interface Evaluated {
  readonly id?: number;
  readonly error?: { readonly message: string };
  readonly result?: {
    readonly result?: { readonly value?: unknown };
    readonly exceptionDetails?: { readonly text: string };
  };
}

/** In the reason where a thread does not answer. */
export const LATE = 'did not answer within';
const SOURCE = 'corelane-watchdog';
const FRAMES = 32;

/** Whatever has become of `Error` there; its settings are put back. */
const STACK = `(() => {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const had = Object.hasOwn(Error, 'prepareStackTrace');
  Error.stackTraceLimit = ${FRAMES};
  Error.prepareStackTrace = undefined;
  try { return new Error().stack; }
  finally {
    Error.stackTraceLimit = stackTraceLimit;
    if (had) Error.prepareStackTrace = prepareStackTrace;
    else delete Error.prepareStackTrace;
  }
})()
//# sourceURL=${SOURCE}`;

/** Where a thread is in its code, as of the stack of an error: one line a frame. */
export async function stackOf(threadId: number, timeoutMs: number): Promise<Inspected> {
  const found = await evaluateOn(threadId, STACK, timeoutMs);
  if (found.value === undefined) return found;
  const frames = found.value
    .split('\n')
    .filter((line) => line.startsWith('    at ') && !line.includes(SOURCE));
  return frames.length > 0 ? { value: frames.join('\n') } : { reason: 'it ran no JavaScript' };
}

/** Ends a worker thread as `process.reallyExit` does within it: at once, and none of its code runs any more. For those who have no Worker to terminate. */
export function exitThread(threadId: number, exitCode: number, timeoutMs: number): Promise<Inspected> {
  // What it answers is that it has no context any more, or nothing.
  return evaluateOn(threadId, `process.reallyExit(${exitCode})`, timeoutMs);
}

/** Evaluates an expression on another thread, of text. Never rejects. */
async function evaluateOn(threadId: number, expression: string, timeoutMs: number): Promise<Inspected> {
  let session: import('node:inspector').Session | undefined;
  let timer: NodeJS.Timeout | undefined;
  try {
    // Not imported: it costs 2 ms, asked for or not, and there are Nodes without it.
    const inspector = process.getBuiltinModule('node:inspector');
    const opened = (session = new inspector.Session());
    if (isMainThread) opened.connect();
    else opened.connectToMainThread();
    return await new Promise<Inspected>((resolve) => {
      const late = `thread ${threadId} ${LATE} ${timeoutMs} ms, which it does not in a long native call`;
      timer = setTimeout(() => resolve({ reason: late }), timeoutMs);
      evaluateBy(opened, threadId, expression, resolve);
    });
  } catch (error) {
    return {
      reason: `node:inspector is not available: ${error instanceof Error ? error.message : String(error)}`,
    };
  } finally {
    clearTimeout(timer);
    session?.removeAllListeners(); // one that comes late would post to a session that is over
    session?.disconnect();
  }
}

function evaluateBy(
  session: import('node:inspector').Session,
  threadId: number,
  expression: string,
  resolve: (answer: Inspected) => void,
): void {
  const refuse = (error: Error | null): void => {
    if (error !== null) resolve({ reason: error.message });
  };
  // Titles begin with the number of the thread; then follows what it was named.
  const title = `[worker ${threadId}]`;
  let its: string | undefined;
  session.on('NodeWorker.attachedToWorker', ({ params }: Attached) => {
    if (its !== undefined || !params.workerInfo.title.startsWith(title)) return;
    its = params.sessionId;
    const message = JSON.stringify({
      id: 1,
      method: 'Runtime.evaluate',
      params: { expression, returnByValue: true, silent: true, disableBreaks: true },
    });
    session.post('NodeWorker.sendMessageToWorker', { sessionId: its, message }, refuse);
  });
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }: Received) => {
    if (params.sessionId !== its) return;
    const { id, error, result } = JSON.parse(params.message) as Evaluated;
    if (id !== 1) return;
    const value = result?.result?.value;
    if (typeof value === 'string') resolve({ value });
    else resolve({ reason: error?.message ?? result?.exceptionDetails?.text ?? 'it answered with no text' });
  });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, refuse);
}
