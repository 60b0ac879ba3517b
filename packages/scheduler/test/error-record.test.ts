// Errors where there is little room for them.
import { expect, test } from 'vitest';
import { decodeError, encodeError } from '../src/error-record.ts';
import {
  NoSeatError,
  PayloadMemoryError,
  QueueFullError,
  TaskTimeoutError,
  WorkerLostError,
} from '../src/index.ts';

/** What a slot has at least. */
const LEAST_BYTES = 224;

test.each([
  new WorkerLostError('aTaskWithALongName', 3, 134, new Error('x'.repeat(500))),
  new PayloadMemoryError('result', 'file:///some/where/far/away/tasks.ts#render', 60_000, 524_288),
  Object.assign(new RangeError('y'.repeat(500)), { code: 'E_RANGE', more: 'z'.repeat(64) }),
])('the class and the code of an error survive where nothing else fits: $name', (error) => {
  const bytes = encodeError(error, LEAST_BYTES);
  expect(bytes.length).toBeLessThanOrEqual(LEAST_BYTES);
  const arrived = decodeError(bytes);
  expect(arrived).toBeInstanceOf(error.constructor);
  expect(arrived).toMatchObject({ name: error.name, code: error.code });
  expect(arrived.message.slice(0, 5)).toBe(error.message.slice(0, 5));
});

test('an error fits, however long its names are', () => {
  const error = Object.assign(new Error('m'), { code: '\u{1f600}'.repeat(32) });
  error.name = '名'.repeat(1000);
  expect(encodeError(error, LEAST_BYTES).length).toBeLessThanOrEqual(LEAST_BYTES);
});

test('errors of this package arrive as what they are, those of a scheduler within a task too', () => {
  for (const error of [
    new QueueFullError(1, 2),
    new TaskTimeoutError('a', 5, true),
    new NoSeatError('cpu', 1, []),
  ]) {
    const arrived = decodeError(encodeError(error, 10_000));
    expect(arrived).toBeInstanceOf(error.constructor);
    expect(arrived).toMatchObject(Object.fromEntries(Object.entries(error)));
  }
});
