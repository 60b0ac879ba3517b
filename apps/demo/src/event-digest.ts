import { crc32 } from 'node:zlib';

/** A number from an event id. Summed over a set of ids on two sides, equal sums mean (almost surely) equal sets; exact below 2^53. */
export function eventDigest(eventId: string): number {
  return crc32(eventId);
}
