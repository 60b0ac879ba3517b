/** Buffers of every kind that can hold a range, and shorthands for answers. */
import { expect } from 'vitest';
import type { Answer, Verified } from '../src/index.ts';
import { alignedRange, memoryPolicy, residency } from '../src/index.ts';

const MIB = 1024 * 1024;

/** Each makes a new buffer of at least so many bytes. */
export const BUFFERS: Readonly<Record<string, (bytes: number) => ArrayBufferLike>> = {
  'a shared WebAssembly.Memory': (bytes) => wasm(bytes, true),
  'a WebAssembly.Memory': (bytes) => wasm(bytes, false),
  'a SharedArrayBuffer': (bytes) => new SharedArrayBuffer(bytes),
  'a growable SharedArrayBuffer': (bytes) => new SharedArrayBuffer(bytes, { maxByteLength: bytes * 2 }),
  'an ArrayBuffer': (bytes) => new ArrayBuffer(bytes),
  'a resizable ArrayBuffer': (bytes) => new ArrayBuffer(bytes, { maxByteLength: bytes * 2 }),
};

function wasm(bytes: number, shared: boolean): ArrayBufferLike {
  const pages = Math.ceil(bytes / 65_536);
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared }).buffer;
}

/** `bytes` of zeroed shared memory that no page of has been touched, on boundaries of `alignBytes`. Needs the addon. */
export function freshRange(bytes = MIB, alignBytes = 65_536): Uint8Array {
  const range = valueOf(alignedRange(wasm(bytes + alignBytes, true), { alignBytes, minimumBytes: bytes }));
  return range.subarray(0, bytes);
}

/** The value of a verified answer; else fails with the answer. */
export function valueOf<T>(answer: Answer<T>): T {
  expect(answer).toMatchObject({ status: 'verified' });
  return (answer as Verified<T>).value;
}

/** Policies can be had, and the nodes of pages: the filters of containers mostly forbid both. */
export const numa: boolean = (() => {
  const range = alignedRange(wasm(65_536, true));
  if (range.status !== 'verified' || memoryPolicy(range.value).status !== 'verified') return false;
  const answer = residency(range.value);
  return answer.status === 'verified' && answer.value.nodes !== null;
})();
