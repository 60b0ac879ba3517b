// Time that a test lets pass, for what its own thread waits for.
import { vi } from 'vitest';

export interface HeldTimers extends Disposable {
  pass(ms: number): void;
  /** Settles when there is a timer. */
  set(): Promise<void>;
}

/** Until disposal, timers of this thread go off when the test says that time has passed, whatever the machine does. */
export function heldTimers(): HeldTimers {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  return {
    pass: (ms) => void vi.advanceTimersByTime(ms),
    set: async () => {
      while (vi.getTimerCount() === 0) await new Promise((resolve) => setImmediate(resolve));
    },
    [Symbol.dispose]: () => void vi.useRealTimers(),
  };
}
