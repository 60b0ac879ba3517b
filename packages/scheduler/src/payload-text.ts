// Text in a slot: a byte a character up to U+00FF, else two.
//
// Tried and rejected: UTF-8 for the rest, which is smaller for mostly Latin text, but cost 3 to 30 times as much to read, and carries no lone
// surrogates.
import type { What } from './payload-kind.ts';
import { roomFor } from './payload-place.ts';
import type { SchedulerTable } from './table.ts';

/** Up to here a loop takes no longer than a call of `write`. Measured: `npm run costs`. */
const LOOP_LENGTH = 24;
const BEYOND_LATIN1 = /[^\0-\xff]/;

/** @returns whether it is UTF-16 */
export function writeText(
  table: SchedulerTable,
  slot: number,
  text: string,
  what: What,
  task: string,
): boolean {
  const { length } = text;
  if (length <= LOOP_LENGTH) {
    const at = roomFor(table, slot, length, what, task);
    const { u8 } = table;
    let all = 0;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      all |= code;
      u8[at + i] = code;
    }
    if (all <= 0xff) return false;
  } else if (Buffer.byteLength(text, 'utf8') === length || !BEYOND_LATIN1.test(text)) {
    // Counting the bytes is the fast way to find that all is ASCII.
    table.buffer.write(text, roomFor(table, slot, length, what, task), length, 'latin1');
    return false;
  }
  table.buffer.write(text, roomFor(table, slot, 2 * length, what, task), 2 * length, 'utf16le');
  return true;
}

export function readLatin1(table: SchedulerTable, at: number, bytes: number): string {
  return table.buffer.toString('latin1', at, at + bytes);
}

export function readUtf16(table: SchedulerTable, at: number, bytes: number): string {
  return table.buffer.toString('utf16le', at, at + bytes);
}
