// What a task may return in place of its result.
import { isGoOn } from './steps.ts';

export type PendingKind = 'promise' | 'generator' | 'async generator' | 'step';

/** What there is to do with an object before it is a result; undefined: it is one. */
export function pendingKind(result: object): PendingKind | undefined {
  const { then, next } = result as { then?: unknown; next?: unknown };
  if (typeof then === 'function') return 'promise';
  if (typeof next !== 'function') return isGoOn(result) ? 'step' : undefined;
  return Symbol.asyncIterator in result ? 'async generator' : 'generator';
}

/** Whether a value is still to come. */
export function isPromise(value: unknown): boolean {
  return typeof value === 'object' && value !== null && pendingKind(value) === 'promise';
}
