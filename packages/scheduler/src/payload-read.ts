// Values on their way out of a slot.
import type { Codec } from './codec.ts';
import { decodeError } from './error-record.ts';
import { CorruptSlotError } from './errors.ts';
import { payloadKind, slotHead } from './layout.ts';
import { bytesFrom, readBytes, readRaw, readShared } from './payload-bytes.ts';
import { cloneFromBytes } from './payload-clone.ts';
import {
  BIGINT,
  BYTES,
  CLONE,
  CODEC,
  DATE,
  ERROR,
  FALSE,
  JSON_LATIN1,
  JSON_UTF16,
  LATIN1,
  LINKED,
  NULL,
  NUMBER,
  NUMBERS,
  RECORD,
  SHARED,
  TRUE,
  UNDEFINED,
  UTF16,
} from './payload-kind.ts';
import { placeOf } from './payload-place.ts';
import { readLatin1, readUtf16 } from './payload-text.ts';
import type { SchedulerTable } from './table.ts';
import type { Letter } from './value-link.ts';

const WORD = slotHead.word;
const { form: FORM, detail: DETAIL } = payloadKind.field;

/** @param isArguments they may be views of where they lie. @throws CorruptSlotError */
export function read(table: SchedulerTable, slot: number, kind: number, isArguments: boolean): unknown {
  const at = placeOf(table, slot);
  const length = table.i32[table.slotWord(slot) + WORD.lengthBytes] as number;
  const detail = (kind >>> DETAIL.shift) & DETAIL.mask;
  const form = kind & FORM.mask;
  switch (form) {
    case NUMBER:
      return table.f64[at >> 3];
    case UNDEFINED:
      return undefined;
    case NULL:
      return null;
    case FALSE:
      return false;
    case TRUE:
      return true;
    case NUMBERS:
      return readNumbers(table, at >> 3, length >> 3);
    case LATIN1:
      return readLatin1(table, at, length);
    case UTF16:
      return readUtf16(table, at, length);
    case BIGINT:
      return table.buffer.readBigInt64LE(at);
    case DATE:
      return new Date(table.f64[at >> 3] as number);
    default:
  }
  try {
    return readEncoded(table, slot, form, at, length, detail, isArguments);
  } catch (cause) {
    if (cause instanceof CorruptSlotError) throw cause;
    throw new CorruptSlotError(`slot ${slot}: its payload cannot be read`, { cause });
  }
}

function readEncoded(
  table: SchedulerTable,
  slot: number,
  form: number,
  at: number,
  length: number,
  detail: number,
  isArguments: boolean,
): unknown {
  const { payloads } = table;
  const task = table.i32[table.slotWord(slot) + WORD.task] as number;
  switch (form) {
    case BYTES:
      return readBytes(table, at, length, detail, isArguments && payloads.wantsViews(task));
    case SHARED:
      return readShared(table, at, detail);
    case RECORD:
      return payloads.shapes.read(detail, table.f64, at >> 3, length >> 3);
    case JSON_LATIN1:
      return JSON.parse(readLatin1(table, at, length)) as unknown;
    case JSON_UTF16:
      return JSON.parse(readUtf16(table, at, length)) as unknown;
    case CLONE:
      return cloneFromBytes(table, readRaw(table, at, length));
    case CODEC:
      return codecOf(table, task).decode(readRaw(table, at, length));
    case ERROR:
      return decodeError(readRaw(table, at, length), payloads.errorsOf(task));
    case LINKED: {
      if (payloads.link === undefined) throw new TypeError('this thread has no link');
      return valueIn(table, task, payloads.link.take(table.f64[at >> 3] as number));
    }
    default:
      throw new CorruptSlotError(`slot ${slot}: payload of form ${form}, expected ${UNDEFINED} to ${LINKED}`);
  }
}

/** What a letter says that has come by a message port. */
export function valueIn(table: SchedulerTable, task: number, { form, detail, value }: Letter): unknown {
  switch (form) {
    case LINKED:
      return value;
    case BYTES:
      return bytesFrom(value as Uint8Array<ArrayBuffer>, detail);
    case JSON_UTF16:
      return JSON.parse(value as string) as unknown;
    case CODEC:
      return codecOf(table, task).decode(value as Uint8Array);
    default:
      throw new CorruptSlotError(`a letter of form ${form}, expected ${LINKED} or less`);
  }
}

function codecOf({ payloads }: SchedulerTable, task: number): Codec {
  const codec = payloads.codecOf(task);
  if (codec === undefined) throw new TypeError('this thread does not know the codec of the task');
  return codec;
}

function readNumbers({ f64 }: SchedulerTable, at: number, count: number): number[] {
  // `push` takes 8 times as long for a thousand.
  const numbers = new Array<number>(count); // oxlint-disable-line unicorn/no-new-array
  for (let i = 0; i < count; i++) numbers[i] = f64[at + i] as number;
  return numbers;
}
