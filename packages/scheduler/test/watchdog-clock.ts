// What watchdogs take for the time. They go by the wall's, and can not know that a machine has stalled.
import { vi } from 'vitest';

/** Calls what looks, at a time. */
function lookAt(nowMs: number, look: () => void): void {
  const clock = vi.spyOn(performance, 'now').mockReturnValue(nowMs);
  try {
    look();
  } finally {
    clock.mockRestore();
  }
}

/**
 * For watchdogs of this thread that are made until disposal no more time goes by between two looks than there should, whatever the machine does meanwhile.
 * What these look at is as real as ever.
 */
export function steadyLooks(): Disposable {
  const { setInterval } = globalThis;
  const each = (look: () => void, everyMs: number): NodeJS.Timeout => {
    let nowMs = performance.now();
    return setInterval(() => lookAt((nowMs += everyMs), look), everyMs);
  };
  const spy = vi.spyOn(globalThis, 'setInterval').mockImplementation(each as typeof setInterval);
  return { [Symbol.dispose]: () => spy.mockRestore() };
}

export interface HeldLooks extends Disposable {
  /** So much time goes by, with all looks that belong there. */
  pass(ms: number): void;
}

/** Watchdogs of this thread that are made until disposal look where the test says that time has passed, and at no other time. @param sampleMs of theirs */
export function heldLooks(sampleMs: number): HeldLooks {
  const { setInterval } = globalThis;
  const looks: (() => void)[] = [];
  let nowMs = performance.now();
  const each = (look: () => void, everyMs: number): NodeJS.Timeout => {
    if (everyMs === sampleMs) looks.push(look);
    return setInterval(everyMs === sampleMs ? () => {} : look, everyMs);
  };
  const spy = vi.spyOn(globalThis, 'setInterval').mockImplementation(each as typeof setInterval);
  return {
    pass: (ms) => {
      for (const endMs = nowMs + ms; nowMs < endMs;) {
        nowMs += sampleMs;
        for (const look of looks) lookAt(nowMs, look);
      }
    },
    [Symbol.dispose]: () => spy.mockRestore(),
  };
}
