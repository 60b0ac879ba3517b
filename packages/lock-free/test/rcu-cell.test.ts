import { threadId } from 'node:worker_threads';
import { ArgumentRangeError, Arena, AttachError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { NotOwnerError, RcuCell, RelockError, SectionEndedError, StillReadingError } from '../src/index.ts';

const arena = Arena.create({ bytes: 1 << 20 });
const create = (versions = 3): RcuCell =>
  RcuCell.create(arena, { payloadBytes: 20, versions, maxReaders: 2 });

test('a section keeps what it got, while updates go on', () => {
  const cell = create();
  using before = cell.read();
  cell.update(({ f64 }) => void (f64[0] = 1.5));
  expect(before.view.f64[0]).toBe(0);
  using after = cell.read();
  expect([after.view.f64[0], cell.payloadBytes, after.view.u8.length]).toEqual([1.5, 24, 24]);
  before.end();
  before.end();
  expect(() => before.view).toThrow(SectionEndedError);
});

test('an update begins with a copy, and one that throws changes nothing', () => {
  const cell = create();
  cell.update(({ i32 }) => i32.set([1, 2, 3]));
  const failure = new Error('no');
  expect(() =>
    cell.update(({ i32 }) => {
      i32[0] = 9;
      throw failure;
    }),
  ).toThrow(failure);
  cell.update(({ i32 }) => void (i32[1] = 5));
  expect([...cell.enter().i32.subarray(0, 3)]).toEqual([1, 5, 3]);
  cell.exit();
});

test('who reads may not wait for readers', async () => {
  const cell = create(2);
  cell.enter();
  expect(() => cell.synchronize()).toThrow(StillReadingError);
  expect(() => RcuCell.attach(cell.handle).synchronize()).toThrow(StillReadingError);
  await expect(cell.synchronizeAsync()).rejects.toThrow(StillReadingError);
  expect(cell.update(() => {})).toBe('done'); // one version is free
  expect(() => cell.update(() => {})).toThrow(StillReadingError); // now this thread is in the way
  expect(() => cell.leave()).toThrow(StillReadingError);
  cell.exit();
  expect(cell.update(() => {})).toBe('done');
  expect(cell.synchronize()).toBe('done');
  cell.leave();
  expect(() => cell.exit()).toThrow(NotOwnerError);
});

test('an update in an update would wait for itself', () => {
  const cell = create();
  expect(() => cell.update(() => void cell.update(() => {}))).toThrow(RelockError);
  expect(cell.update(() => {})).toBe('done');
});

test('a signal ends the wait for readers, with its reason', async () => {
  const reason = new Error('enough');
  await expect(create().synchronizeAsync({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

test('numbers out of range and handles of others are refused', () => {
  for (const wrong of [
    { payloadBytes: 0 },
    { payloadBytes: 8, versions: 1 },
    { payloadBytes: 8, maxReaders: 0 },
  ])
    expect(() => RcuCell.create(arena, wrong)).toThrow(ArgumentRangeError);
  const cell = create();
  expect(() => cell.synchronize({ timeoutMs: -1 })).toThrow(ArgumentRangeError);
  expect(() => cell.update(() => {}, { timeoutMs: Number.NaN })).toThrow(ArgumentRangeError);
  expect(() => cell.recover(threadId)).toThrow(ArgumentRangeError);
  const other = RcuCell.attach(structuredClone(cell.handle));
  other.update(({ i32 }) => void (i32[0] = 3));
  expect(cell.enter().i32[0]).toBe(3);
  cell.exit();
  expect(() => RcuCell.attach({ ...cell.handle, at: cell.handle.at + 128 }, arena)).toThrow(AttachError);
});
