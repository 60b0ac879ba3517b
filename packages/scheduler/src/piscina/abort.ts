// Signals that abort a task: an AbortSignal, or an emitter of 'abort'.

export interface AbortSignalEventTarget {
  addEventListener(name: 'abort', listener: () => void, options?: { once: boolean }): void;
  removeEventListener(name: 'abort', listener: () => void): void;
  readonly aborted?: boolean;
  readonly reason?: unknown;
}

export interface AbortSignalEventEmitter {
  once(name: 'abort', listener: () => void): void;
  off(name: 'abort', listener: () => void): void;
}

export type AbortSignalAny = AbortSignalEventTarget | AbortSignalEventEmitter;

export function isAborted(signal: AbortSignalAny): boolean {
  return 'aborted' in signal && signal.aborted;
}

/** Calls the listener once when the signal aborts. @returns what takes it away again */
export function onAbort(signal: AbortSignalAny, listener: () => void): () => void {
  if ('addEventListener' in signal) {
    signal.addEventListener('abort', listener, { once: true });
    return () => signal.removeEventListener('abort', listener);
  }
  signal.once('abort', listener);
  return () => signal.off('abort', listener);
}
