// Plain accesses of a model scenario, on the twin: data that an algorithm hands over.
import { get, set } from '@corelane/shared-memory/kernel/atomics';

export function read(at: i32): i32 {
  return get(at);
}

export function write(at: i32, value: i32): void {
  set(at, value);
}
