// What AssemblyScript has built in and kernels may use, declared for TypeScript.
// A kernel is type-checked by tsc with this file, compiled by asc without it, and run as JavaScript on the model twin.

/** A 32-bit signed integer. Every arithmetic result ends in `| 0`, so that JavaScript and Wasm agree. */
type i32 = number;

/** A 64-bit word as a value: opaque but to packages/shared-memory/kernel/atomics.ts, whose functions take and give it. */
type i64 = number;

// Only packages/shared-memory/kernel/atomics.ts, the production build of the seam, uses what follows.
type u32 = number;
type u64 = number;
declare const i32: { load(at: i32): i32; store(at: i32, value: i32): void };
declare const atomic: {
  load<T>(at: i32): T;
  store<T>(at: i32, value: T): void;
  add<T>(at: i32, value: T): T;
  sub<T>(at: i32, value: T): T;
  and<T>(at: i32, value: T): T;
  or<T>(at: i32, value: T): T;
  xchg<T>(at: i32, value: T): T;
  cmpxchg<T>(at: i32, expected: T, desired: T): T;
  wait<T>(at: i32, expected: T, timeoutNs: i64): i32;
  notify(at: i32, count: i32): i32;
};
