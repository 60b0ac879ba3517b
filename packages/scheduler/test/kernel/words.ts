// What threads of scenarios do themselves, on the twin like the kernels: only files of a folder `kernel` reach it.
import { get, load, notify, set, store, wait } from '@corelane/shared-memory/kernel/atomics';

export function readWord(at: i32): i32 {
  return get(at);
}

export function writeWord(at: i32, value: i32): void {
  set(at, value);
}

export function loadWord(at: i32): i32 {
  return load(at);
}

export function storeWord(at: i32, value: i32): void {
  store(at, value);
}

export function waitWord(at: i32, expected: i32): i32 {
  return wait(at, expected, -1);
}

/** Gives way for a moment. */
export function napWord(at: i32): void {
  wait(at, load(at), 50);
}

export function wakeWord(at: i32): i32 {
  return notify(at, -1);
}
