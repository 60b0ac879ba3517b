// Whether the calling thread is a worker of a pool. What tells is a property of its global object, since a bundler or `require` beside
// `import` may load this module twice.
import { threadSymbol } from './symbols.ts';

interface PoolThread {
  readonly workerData: unknown;
}

const place = globalThis as { [threadSymbol]?: PoolThread };

/** Called once by a worker, before it imports what it is to run. */
export function enterThread(workerData: unknown): void {
  Object.defineProperty(place, threadSymbol, { value: { workerData } satisfies PoolThread });
}

export function isPoolThread(): boolean {
  return place[threadSymbol] !== undefined;
}

/** The option `workerData` of the pool, in its workers; undefined elsewhere. */
export function threadData(): unknown {
  return place[threadSymbol]?.workerData;
}
