import { expect, test } from 'vitest';
import { allocationMatchers } from '../src/vitest.ts';
import { ArgumentRangeError } from '../src/index.ts';

declare module 'vitest' {
  interface Matchers<R extends void | Promise<void> = void | Promise<void>, T = unknown> {
    toAllocateNothing(options?: { iterations?: number }): R;
    toAllocateAtMost(maxBytes: number): R;
  }
}

expect.extend(allocationMatchers);

const slots: unknown[] = ['any'];
const box16 = (i: number): void => void (slots[0] = i + 0.5);
const words = new Int32Array(8);
const nothing = (): void => void (words[0] = (words[0] as number) + 1);

test('what allocates nothing passes, and nothing else', () => {
  expect(nothing).toAllocateNothing({ iterations: 1000 });
  expect(() => expect(box16).toAllocateNothing()).toThrow(
    /allocates 1[56].* bytes per operation, expected at most 0.1/,
  );
  expect(() => expect(nothing).not.toAllocateNothing()).toThrow(
    'bytes per operation, expected more than 0.1',
  );
});

test('a limit is what is allowed', () => {
  expect(box16).toAllocateAtMost(17);
  expect(box16).not.toAllocateAtMost(15);
});

test('what can not be measured is an error, with `.not` too', () => {
  expect(() => expect(5).toAllocateNothing()).toThrow(ArgumentRangeError);
  expect(() => expect(async () => {}).not.toAllocateNothing()).toThrow('a synchronous function');
  expect(() => expect(nothing).toAllocateNothing({ maxBytes: 64 } as object)).toThrow(
    'options is "maxBytes"',
  );
  expect(() => expect(nothing).toAllocateAtMost(NaN)).toThrow(ArgumentRangeError);
  expect(() => expect(nothing).toAllocateAtMost(undefined as never)).toThrow(ArgumentRangeError);
});
