// What the threads of a model scenario do beside calling the kernel, on the twin: bytes of a buffer, the end of a thread, waiting.
import { get, load, notify, set, store, wait } from '@corelane/shared-memory/kernel/atomics';

/** Plain: bytes that a lease hands over. */
export function readBytes(at: i32): i32 {
  return get(at);
}

export function writeBytes(at: i32, value: i32): void {
  set(at, value);
}

/** Hands on what happened before, as a message does. */
export function tell(flag: i32): void {
  end(flag);
}

export function hear(flag: i32): void {
  join(flag);
}

/** A thread ends for good: what it did happened before whoever has seen it end. */
export function end(flag: i32): void {
  store(flag, 1);
  notify(flag, -1);
}

export function join(flag: i32): void {
  while (load(flag) == 0) wait(flag, 0, -1);
}

/** What `Atomics.waitAsync` does in waiting-line.ts. */
export function park(at: i32, seen: i32): void {
  wait(at, seen, -1);
}

/** What an attempt to push that fails leaves in a link. */
export function writeLink(at: i32, value: i32): void {
  store(at, value);
}
