/**
 * The kernel's two ways to write a set of CPUs (or of nodes). A set here is a sorted array without duplicates.
 *
 * Lists look like `0-3,8`, maps like `00000000,0000010f` (32-bit words in hexadecimal, the highest first). Both come from files
 * that anyone may have written, so nothing is expanded before its bounds are known.
 */
import { CpuSetSyntaxError, PlatformOptionError } from '../errors.ts';
import { listed } from '../options.ts';
import { shown } from '../shown.ts';

/** CPUs are numbered below this. Linux can be built for 8192; twice that leaves room and still bounds what a bad file can cost. */
export const MAX_CPUS = 16_384;

/** A sorted array of CPU (or node) numbers without duplicates. */
export type CpuSet = readonly number[];

const DIGITS = /^[0-9]{1,9}$/;
const HEX_WORD = /^[0-9a-f]{1,8}$/i;

/** Old kernels end some files with a NUL after the newline. */
function strip(text: string): string {
  if (typeof text !== 'string')
    throw new PlatformOptionError('text', `must be a string, found ${shown(text)}`);
  return text.replaceAll('\0', '').trim();
}

/**
 * Reads `0-3,8` as `[0, 1, 2, 3, 8]`. Empty text is the empty set. Ranges may overlap and come in any order.
 * @throws CpuSetSyntaxError for anything else: `0-`, `5-3`, `1,,2`, a number of MAX_CPUS or more.
 */
export function parseCpuList(text: string): CpuSet {
  const body = strip(text);
  if (body === '') return [];
  // Starts and ends counted, then swept once: a list of a million overlapping ranges costs no more than its length.
  const change = new Int32Array(MAX_CPUS + 1);
  let highest = -1;
  let at = 0;
  for (const part of body.split(',')) {
    const [first = '', last = first, ...rest] = part.split('-');
    const from = number(first.trim(), at, text);
    const to = number(last.trim(), at, text);
    if (rest.length > 0) throw new CpuSetSyntaxError('CPU list', text, at, `"${part}" has more than one "-"`);
    if (to < from) throw new CpuSetSyntaxError('CPU list', text, at, `range ${from}-${to} runs backwards`);
    change[from] = (change[from] ?? 0) + 1;
    change[to + 1] = (change[to + 1] ?? 0) - 1;
    highest = Math.max(highest, to);
    at += part.length + 1;
  }
  const cpus: number[] = [];
  let open = 0;
  for (let cpu = 0; cpu <= highest; cpu++) {
    open += change[cpu] ?? 0;
    if (open > 0) cpus.push(cpu);
  }
  return cpus;
}

function number(digits: string, at: number, text: string): number {
  if (!DIGITS.test(digits))
    throw new CpuSetSyntaxError('CPU list', text, at, `${JSON.stringify(digits.slice(0, 20))} is no number`);
  const value = Number(digits);
  if (value >= MAX_CPUS)
    throw new CpuSetSyntaxError('CPU list', text, at, `${value} is not below the limit of ${MAX_CPUS}`);
  return value;
}

/**
 * Writes `[0, 1, 2, 3, 8]` as `0-3,8`.
 * @throws PlatformOptionError for anything but whole numbers below MAX_CPUS
 */
export function formatCpuList(cpus: Iterable<number>): string {
  const parts: string[] = [];
  let first = -1;
  let last = -1;
  const flush = (): void => {
    if (first >= 0) parts.push(first === last ? `${first}` : `${first}-${last}`);
  };
  for (const cpu of sorted(cpus)) {
    if (cpu === last) continue;
    if (first < 0 || cpu !== last + 1) {
      flush();
      first = cpu;
    }
    last = cpu;
  }
  flush();
  return parts.join(',');
}

/**
 * Reads `00000000,0000010f` as `[0, 1, 2, 3, 8]`. The first word may be short. Empty text is no map, unlike an empty list: the
 * kernel always writes at least one digit.
 * @throws CpuSetSyntaxError for anything else, or where a bit of MAX_CPUS or more is set.
 */
export function parseCpuMap(text: string): CpuSet {
  const body = strip(text).replace(/^0x/i, '');
  const words = body.split(',');
  const cpus: number[] = [];
  let at = body.length;
  for (let word = 0; word < words.length; word++) {
    const digits = words[words.length - 1 - word] ?? '';
    at -= digits.length + 1;
    if (!HEX_WORD.test(digits))
      throw new CpuSetSyntaxError(
        'CPU map',
        text,
        at + 1,
        `${JSON.stringify(digits.slice(0, 20))} is no word`,
      );
    const bits = Number.parseInt(digits, 16);
    if (bits === 0) continue;
    for (let bit = 0; bit < 32; bit++) if ((bits >>> bit) & 1) cpus.push(word * 32 + bit);
    if ((cpus.at(-1) ?? 0) >= MAX_CPUS)
      throw new CpuSetSyntaxError(
        'CPU map',
        text,
        at + 1,
        `bit ${cpus.at(-1)} is not below the limit of ${MAX_CPUS}`,
      );
  }
  return cpus;
}

/**
 * Writes `[0, 1, 2, 3, 8]` as the kernel does: words of 8 digits, but for the first when `width` (in bits) asks for fewer.
 * Without a width, as many whole words as the highest CPU needs.
 * @throws PlatformOptionError for CPUs that are no whole numbers below MAX_CPUS, and widths that are none up to it
 */
export function formatCpuMap(cpus: Iterable<number>, widthBits?: number): string {
  if (widthBits !== undefined && !(Number.isInteger(widthBits) && widthBits >= 1 && widthBits <= MAX_CPUS))
    throw new PlatformOptionError(
      'widthBits',
      `${shown(widthBits)} is no whole number from 1 to ${MAX_CPUS}`,
    );
  const numbers = sorted(cpus);
  const bits = Math.max(widthBits ?? 32, (numbers.at(-1) ?? 0) + 1);
  const words = Array.from({ length: Math.ceil(bits / 32) }, () => 0);
  for (const cpu of numbers) words[cpu >>> 5] = (words[cpu >>> 5] ?? 0) | (1 << (cpu & 31));
  return words
    .map((word, index) => {
      const inWord = Math.min(32, bits - index * 32);
      const digits = widthBits === undefined ? 8 : Math.ceil(inWord / 4);
      return (word >>> 0).toString(16).padStart(digits, '0');
    })
    .toReversed()
    .join(',');
}

function sorted(cpus: Iterable<number>): number[] {
  const numbers = listed('cpus', cpus);
  for (const cpu of numbers)
    if (!Number.isInteger(cpu) || cpu < 0 || cpu >= MAX_CPUS)
      throw new PlatformOptionError('cpus', `${shown(cpu)} is no whole number below ${MAX_CPUS}`);
  return numbers.toSorted(ascending);
}

export function ascending(a: number, b: number): number {
  return a - b;
}
