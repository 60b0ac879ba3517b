// placeholder for resolution test
import { add, load, notify, wait } from './atomics.ts';

export function sequence(at: i32): i32 {
  return load(at);
}
export function bump(at: i32): i32 {
  add(at, 1);
  return notify(at, 1);
}
export function park(at: i32, seen: i32, timeoutUs: i32): i32 {
  return wait(at, seen, timeoutUs);
}
