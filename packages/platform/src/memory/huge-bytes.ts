/**
 * How much of a range is in huge pages. Linux 6.7 tells it exactly (PAGEMAP_SCAN); before, /proc/self/smaps tells it for whole mappings, which
 * answers it for a range too where that leaves no choice.
 */
import { errnoName, refused } from '../answer.ts';
import type { MemoryMachine } from './machine.ts';
import type { Mapping } from './map.ts';
import { readMappings } from './map.ts';
import type { MemoryRange } from './range.ts';
import { persist } from './range.ts';

export interface HugeBytes {
  readonly bytes: number | null;
  /** Why `bytes` is `null`; else which way it was read. */
  readonly reason: string;
}

export function readHugeBytes(
  machine: MemoryMachine,
  range: MemoryRange,
  mappings?: readonly Mapping[],
): HugeBytes {
  const scanned = persist(() => range.addon.memoryHugeBytes(...range.whole));
  if (scanned >= 0) return { bytes: scanned, reason: 'PAGEMAP_SCAN' };
  const old = errnoName(-scanned) === 'ENOTTY';
  const why = refused(
    'PAGEMAP_SCAN',
    scanned,
    old ? 'needs Linux 6.7' : 'asked of /proc/self/pagemap',
  ).reason;
  const found = mappings ?? readMappings(machine, range, 'smaps');
  if (found === undefined) return { bytes: null, reason: `${why}, and /proc/self/smaps cannot be read` };
  const [least, most] = bounds(found);
  return least === most
    ? { bytes: least, reason: '/proc/self/smaps' }
    : {
        bytes: null,
        reason: `${why}, and by /proc/self/smaps it is from ${least} to ${most} bytes: the mapping is larger than the range`,
      };
}

/** A mapping of 10 with 8 huge, of which 6 are in the range, has at least 4 and at most 6 there. */
function bounds(mappings: readonly Mapping[]): [least: number, most: number] {
  let least = 0;
  let most = 0;
  for (const { lengthBytes, mappingBytes, sizesBytes } of mappings) {
    const huge = sizesBytes.get('AnonHugePages') ?? 0;
    least += Math.max(0, huge - (mappingBytes - lengthBytes));
    most += Math.min(huge, lengthBytes);
  }
  return [least, most];
}
