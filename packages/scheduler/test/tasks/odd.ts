// Tasks whose results, globals or leftovers are against whoever runs them.
import { threadId } from 'node:worker_threads';
import { defineTasks, goOn, steps } from '../../src/index.ts';

const delay = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms));

function refuse(what: string): never {
  throw new RangeError(what);
}

/** An object that throws where somebody asks for this property. */
function refusing(name: string): object {
  return Object.defineProperty({}, name, { get: () => refuse(name) });
}

export const odd = defineTasks(import.meta.url, {
  threadId: (): number => threadId,
  /** Looked at as a promise its result throws. */
  refusesThen: steps((left: number) => (left > 0 ? goOn(left - 1) : refusing('then'))),
  refusesIn: (): Promise<object> => Promise.resolve(new Proxy({}, { has: () => refuse('in') })),
  throwsSymbol: (): never => {
    // oxlint-disable-next-line no-throw-literal -- that is what is asked about
    throw Symbol('thrown') as unknown;
  },
  async waits(ms: number): Promise<number> {
    await delay(ms);
    return ms;
  },
  async microtasks(): Promise<never> {
    for (;;) await Promise.resolve();
  },
  async ticks(): Promise<void> {
    await new Promise(() => {
      const again = (): void => process.nextTick(again);
      again();
    });
  },
  /** Nothing of Node's is where it was. */
  patched(): never {
    Object.assign(process, { reallyExit: () => {}, exit: () => {} });
    Object.assign(globalThis, { Error: undefined, process: undefined });
    for (;;);
  },
});
