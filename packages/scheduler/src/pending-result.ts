// What a task may return in place of its result.

export type PendingKind = 'promise' | 'generator' | 'async generator';

/** What there is to do with an object before it is a result; undefined: it is one. */
export function pendingKind(result: object): PendingKind | undefined {
  const { then, next } = result as { then?: unknown; next?: unknown };
  if (typeof then === 'function') return 'promise';
  if (typeof next !== 'function') return undefined;
  return Symbol.asyncIterator in result ? 'async generator' : 'generator';
}
