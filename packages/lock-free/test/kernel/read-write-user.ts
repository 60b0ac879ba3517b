// Threads of model scenarios that use the read-write lock: what it guards is plain, two words that are always the same.
import { get, load, notify, set, store, wait } from '@corelane/shared-memory/kernel/atomics';
import {
  LOCK_BUSY,
  LOCK_RECOVERED,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  MUTEX_WORDS_BYTES,
  READ_WRITE_ROOT_BYTES,
  READ_WRITE_ROOT_WRITERS,
} from '../../kernel/layout.generated.ts';
import { awaitMutex, lockMutex, tryLockMutex, unlockMutex } from '../../kernel/mutex.ts';
import {
  awaitDrained,
  awaitRead,
  beginWrite,
  endWrite,
  joinReaders,
  leaveReaders,
  lockRead,
  markReadWriteConsistent,
  recoverReadWrite,
  tryBeginWrite,
  unlockRead,
} from '../../kernel/read-write-lock.ts';
import { enterSlot, leaveSlot } from '../../kernel/reader-slots.ts';

export { initializeReadWrite } from '../../kernel/read-write-lock.ts';

export const SLOTS: i32 = 2;
/** After the mutex, on its line. */
export const DATA: i32 = READ_WRITE_ROOT_WRITERS + MUTEX_WORDS_BYTES;
/** 1 where a thread has died: the edge that the exit of a thread is. */
export const DEAD: i32 = DATA + 8;
/** Phases that have ended, as a reader that waits counts them. */
export const WRITTEN: i32 = DATA + 12;

function enter(me: i32): i32 {
  return enterSlot(READ_WRITE_ROOT_BYTES, SLOTS, me);
}

/** Before the threads: claims the slot. */
export function register(me: i32): void {
  enter(me);
}

/** @returns what it found, or -1000 where it was torn */
function look(): i32 {
  const first = get(DATA);
  return first == get(DATA + 4) ? first : -1000;
}

function change(): void {
  const found = look();
  set(DATA, (found + 1) | 0);
  set(DATA + 4, (found + 1) | 0);
}

/** @returns what it found */
export function read(me: i32): i32 {
  const slot = enter(me);
  let outcome = lockRead(0, slot);
  if (outcome == LOCK_BUSY) outcome = joinReaders(0, slot);
  while (outcome == LOCK_BUSY) outcome = awaitRead(0, slot, 0, -1);
  const found = look();
  unlockRead(0, slot);
  return found;
}

/** One read section in another. @returns what it found in the inner one */
export function readTwice(me: i32): i32 {
  const slot = enter(me);
  let outcome = lockRead(0, slot);
  if (outcome == LOCK_BUSY) outcome = joinReaders(0, slot);
  while (outcome == LOCK_BUSY) outcome = awaitRead(0, slot, 0, -1);
  if (lockRead(0, slot) != LOCK_TAKEN) return -1;
  unlockRead(0, slot);
  const found = look();
  unlockRead(0, slot);
  leaveSlot(slot);
  return found;
}

/** Gives up after one wait. @returns what it found, or -1 */
export function readInTime(me: i32): i32 {
  const slot = enter(me);
  let outcome = joinReaders(0, slot);
  if (outcome == LOCK_BUSY) outcome = awaitRead(0, slot, 0, 1);
  if (outcome == LOCK_BUSY) outcome = leaveReaders(0, slot);
  if (outcome == LOCK_TIMED_OUT) return -1;
  const found = look();
  unlockRead(0, slot);
  return found;
}

/** @returns what it found, or -1 */
export function readIfFree(me: i32): i32 {
  const slot = enter(me);
  if (lockRead(0, slot) == LOCK_BUSY) return -1;
  const found = look();
  unlockRead(0, slot);
  return found;
}

/** @returns 1 */
export function write(me: i32): i32 {
  lockMutex(READ_WRITE_ROOT_WRITERS, me, 0);
  let outcome = beginWrite(0);
  while (outcome == LOCK_BUSY) outcome = awaitDrained(0, 0, -1);
  change();
  endWrite(0, 0);
  return unlockMutex(READ_WRITE_ROOT_WRITERS, me);
}

/** Gives up after one wait for readers. @returns 1 where it wrote */
export function writeInTime(me: i32): i32 {
  let outcome = tryLockMutex(READ_WRITE_ROOT_WRITERS, me);
  if (outcome == LOCK_BUSY) outcome = awaitMutex(READ_WRITE_ROOT_WRITERS, me, 1);
  if (outcome != LOCK_TAKEN) return 0;
  outcome = beginWrite(0);
  if (outcome == LOCK_BUSY) outcome = awaitDrained(0, 0, 1);
  if (outcome != LOCK_BUSY) change();
  endWrite(0, 0);
  unlockMutex(READ_WRITE_ROOT_WRITERS, me);
  return outcome != LOCK_BUSY ? 1 : 0;
}

/** @returns 1 where it wrote */
export function writeIfFree(me: i32): i32 {
  if (tryLockMutex(READ_WRITE_ROOT_WRITERS, me) != LOCK_TAKEN) return 0;
  const outcome = tryBeginWrite(0);
  if (outcome != LOCK_BUSY) {
    change();
    endWrite(0, 0);
  }
  unlockMutex(READ_WRITE_ROOT_WRITERS, me);
  return outcome != LOCK_BUSY ? 1 : 0;
}

/** A reader that has joined finds how many writers were inside before it: at most the one that it has joined behind. */
export function joinBehind(me: i32): i32 {
  const slot = enter(me);
  let outcome = joinReaders(0, slot);
  const before = load(WRITTEN);
  while (outcome == LOCK_BUSY) outcome = awaitRead(0, slot, 0, -1);
  const since = (get(DATA) - before) | 0;
  unlockRead(0, slot);
  return since;
}

/** Counts its phase before it ends it. */
export function writeCounted(me: i32): i32 {
  lockMutex(READ_WRITE_ROOT_WRITERS, me, 0);
  let outcome = beginWrite(0);
  while (outcome == LOCK_BUSY) outcome = awaitDrained(0, 0, -1);
  change();
  store(WRITTEN, get(DATA));
  endWrite(0, 0);
  return unlockMutex(READ_WRITE_ROOT_WRITERS, me);
}

function die(): void {
  store(DEAD, 1);
  notify(DEAD, -1);
}

/** Dies reading, or waiting to. @returns -1 */
export function readAndDie(me: i32): i32 {
  const slot = enter(me);
  joinReaders(0, slot);
  die();
  return -1;
}

/** Dies in the middle of writing, or waiting for readers. @returns 0 */
export function writeAndDie(me: i32): i32 {
  lockMutex(READ_WRITE_ROOT_WRITERS, me, 0);
  if (beginWrite(0) != LOCK_BUSY) set(DATA, (get(DATA) + 100) | 0);
  die();
  return 0;
}

/** @returns what `recoverReadWrite` returned */
export function recoverDead(dead: i32, me: i32): i32 {
  wait(DEAD, 0, -1);
  return load(DEAD) == 1 ? recoverReadWrite(0, dead, me) : -1;
}

/** Repairs what it is told of. @returns 1 */
export function writeOrRepair(me: i32): i32 {
  lockMutex(READ_WRITE_ROOT_WRITERS, me, 0);
  let outcome = beginWrite(0);
  while (outcome == LOCK_BUSY) outcome = awaitDrained(0, 0, -1);
  if (outcome == LOCK_RECOVERED) {
    set(DATA, get(DATA + 4));
    markReadWriteConsistent(0, me);
  }
  change();
  endWrite(0, 0);
  return unlockMutex(READ_WRITE_ROOT_WRITERS, me);
}

/** @returns what it found; -2 where it was told that it may be half written */
export function readWarned(me: i32): i32 {
  const slot = enter(me);
  let outcome = joinReaders(0, slot);
  while (outcome == LOCK_BUSY) outcome = awaitRead(0, slot, 0, -1);
  const found = outcome == LOCK_RECOVERED ? -2 : look();
  unlockRead(0, slot);
  return found;
}
