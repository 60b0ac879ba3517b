// What each thread of the cases of locks does.
import { type LockedHandle, LockedWords, type Reading, type Writing } from './locked-words.ts';

export type LockWork =
  | { readonly kind: 'write'; readonly by: Writing; readonly handle: LockedHandle }
  | { readonly kind: 'read'; readonly by: Reading; readonly handle: LockedHandle };

export function createContender(work: LockWork): (operations: number) => number {
  const words = LockedWords.attach(work.handle);
  return work.kind === 'write' ? words.writer(work.by) : words.reader(work.by);
}
