/**
 * What the kernel says of the mappings under a range: /proc/self/maps (where they are: about 0.1 ms) and /proc/self/smaps (how they are used,
 * which walks the pages of the process: milliseconds).
 */
import type { MemoryMachine } from './machine.ts';
import type { MemoryRange } from './range.ts';

/** The part of one mapping that lies in the range. */
export interface Mapping {
  /** From the start of the range. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** Of the whole mapping, which may be larger. */
  readonly mappingBytes: number;
  /** Pages of its own that the kernel fills with zeros: neither a file's nor shared with other processes. */
  readonly privateAnonymous: boolean;
  /** VmFlags, as `lo` and `hg`. Of smaps only. */
  readonly flags: ReadonlySet<string>;
  /** The sizes of smaps, as `AnonHugePages`, and `THPeligible` as it is. */
  readonly sizesBytes: ReadonlyMap<string, number>;
}

const HEADER = /^([0-9a-f]{1,16})-([0-9a-f]{1,16}) (\S{4}) [0-9a-f]+ [0-9a-f]+:[0-9a-f]+ ([0-9]+)/;
const SIZE = /^([A-Za-z_]+):\s+([0-9]{1,15})( kB)?$/;

/**
 * In ascending order, without gaps. `undefined` where the file is not to be had, or does not show the whole range (another thread
 * changed it meanwhile).
 */
export function readMappings(
  machine: MemoryMachine,
  range: MemoryRange,
  file: 'maps' | 'smaps',
): Mapping[] | undefined {
  const lines = machine.lines(`/proc/self/${file}`);
  if (lines === undefined) return undefined;
  const end = range.address + range.lengthBytes;
  const mappings: Mapping[] = [];
  let sizes: Map<string, number> | undefined;
  let flags: Set<string> | undefined;
  let covered = range.address;
  for (const line of lines) {
    const header = HEADER.exec(line);
    if (header === null) {
      if (sizes === undefined || flags === undefined) continue; // of a mapping before the range
      if (line.startsWith('VmFlags:')) for (const flag of line.slice(8).trim().split(' ')) flags.add(flag);
      const size = SIZE.exec(line);
      if (size?.[1] !== undefined) sizes.set(size[1], Number(size[2]) * (size[3] === undefined ? 1 : 1024));
      continue;
    }
    const from = Number.parseInt(header[1] ?? '', 16);
    const to = Number.parseInt(header[2] ?? '', 16);
    if (from >= end) break;
    sizes = undefined;
    flags = undefined;
    if (to <= range.address) continue;
    if (from > covered) return undefined;
    sizes = new Map();
    flags = new Set();
    mappings.push({
      offsetBytes: covered - range.address,
      lengthBytes: Math.min(to, end) - covered,
      mappingBytes: to - from,
      privateAnonymous: header[3]?.[3] === 'p' && header[4] === '0',
      flags,
      sizesBytes: sizes,
    });
    covered = Math.min(to, end);
  }
  // Every mapping has some flags: without the line, nothing could be read back from their absence.
  if (file === 'smaps' && mappings.some((mapping) => mapping.flags.size === 0)) return undefined;
  return covered === end ? mappings : undefined;
}

/** Whether every mapping under the range has the flag. */
export function allHave(mappings: readonly Mapping[], flag: string): boolean {
  return mappings.every(({ flags }) => flags.has(flag));
}

export function someHave(mappings: readonly Mapping[], flag: string): boolean {
  return mappings.some(({ flags }) => flags.has(flag));
}

/** Whether the same parts have the same of these flags, however the kernel has cut its mappings meanwhile. */
export function sameFlags(
  before: readonly Mapping[],
  after: readonly Mapping[],
  flags: readonly string[],
): boolean {
  return spans(before, flags) === spans(after, flags);
}

/** Where which flags end, neighbours with the same ones as one. */
function spans(mappings: readonly Mapping[], flags: readonly string[]): string {
  const ends: string[] = [];
  let last: string | undefined;
  for (const mapping of mappings) {
    const key = flags.filter((flag) => mapping.flags.has(flag)).join();
    if (key === last) ends.pop();
    ends.push(`${key}:${mapping.offsetBytes + mapping.lengthBytes}`);
    last = key;
  }
  return ends.join(';');
}
