import { digest } from './work.ts';
import type { Contestant } from './contestant.ts';

/** Different ones, so that no task can answer for another. */
const PAYLOADS = 16;

export interface Payload {
  readonly bytes: Uint8Array;
  readonly digest: string;
}

/** Bytes that a contestant may take from any time, in the memory that it likes best. */
export function makePayloads({ allocate }: Contestant, length: number): readonly Payload[] {
  return Array.from({ length: PAYLOADS }, (_, index) => {
    const bytes = allocate?.(length) ?? new Uint8Array(length);
    bytes.fill(index + 1);
    return { bytes, digest: digest(bytes) };
  });
}

export function payloadBytesTotal(length: number): number {
  return PAYLOADS * length;
}
