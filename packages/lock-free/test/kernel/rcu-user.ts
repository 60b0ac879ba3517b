// Threads of model scenarios that use the RCU cell: a payload is two plain words that are always the same.
import { get, load, notify, set, store, wait } from '@corelane/shared-memory/kernel/atomics';
import {
  RCU_NO_VERSION,
  RCU_ROOT_BYTES,
  RCU_ROOT_MAX_READERS,
  RCU_ROOT_UPDATERS,
  RCU_ROOT_VERSIONS,
  RCU_VERSION_BYTES,
  READER_SLOT_BYTES,
} from '../../kernel/layout.generated.ts';
import { lockMutex, unlockMutex } from '../../kernel/mutex.ts';
import {
  awaitReaders,
  beginRead,
  copyVersion,
  endRead,
  initializeRcu,
  nextEpoch,
  pickVersion,
  publishVersion,
  recoverRcu,
} from '../../kernel/rcu-cell.ts';
import { enterSlot } from '../../kernel/reader-slots.ts';

export const SLOTS: i32 = 2;
export const STRIDE: i32 = 128;
/** A word behind the payloads: 1 where a thread has died. */
function dead(): i32 {
  return payload(get(RCU_ROOT_VERSIONS));
}

export function initialize(versions: i32): void {
  initializeRcu(0, SLOTS, versions, 8, STRIDE);
}

/** Byte address of the payload of `version`. */
export function payload(version: i32): i32 {
  const records = RCU_ROOT_BYTES + get(RCU_ROOT_MAX_READERS) * READER_SLOT_BYTES;
  return ((records + get(RCU_ROOT_VERSIONS) * RCU_VERSION_BYTES + 127) & ~127) + version * STRIDE;
}

function look(version: i32): i32 {
  const first = get(payload(version));
  return first == get(payload(version) + 4) ? first : -1000;
}

/** @returns what it found, -1000 where it was torn */
export function read(me: i32): i32 {
  const slot = enterSlot(RCU_ROOT_BYTES, SLOTS, me);
  const version = beginRead(0, slot);
  const found = look(version);
  endRead(0, slot);
  return found;
}

/** Looks at the version of the outer section after an inner one. @returns what it found, -1000 where it was torn */
export function readTwice(me: i32): i32 {
  const slot = enterSlot(RCU_ROOT_BYTES, SLOTS, me);
  const outer = beginRead(0, slot);
  const inner = beginRead(0, slot);
  const later = look(inner);
  endRead(0, slot);
  const found = look(outer);
  endRead(0, slot);
  return later < found ? -1000 : found;
}

function change(version: i32): void {
  copyVersion(0, version);
  const found = look(version);
  set(payload(version), (found + 1) | 0);
  set(payload(version) + 4, (found + 1) | 0);
  publishVersion(0, version);
}

/** @returns 1 */
export function update(me: i32): i32 {
  lockMutex(RCU_ROOT_UPDATERS, me, 0);
  let version = pickVersion(0);
  while (version == RCU_NO_VERSION) {
    const epoch = nextEpoch(0);
    while (awaitReaders(0, epoch, -1) == 0);
    version = pickVersion(0);
  }
  change(version);
  return unlockMutex(RCU_ROOT_UPDATERS, me);
}

/** Updates where it need not wait for readers. @returns 1 where it did */
export function updateIfFree(me: i32): i32 {
  lockMutex(RCU_ROOT_UPDATERS, me, 0);
  const version = pickVersion(0);
  if (version != RCU_NO_VERSION) change(version);
  unlockMutex(RCU_ROOT_UPDATERS, me);
  return version != RCU_NO_VERSION ? 1 : 0;
}

/** Publishes, waits for readers, and spoils what was there before. @returns 1 */
export function replaceAndSpoil(me: i32): i32 {
  const slot = payload(0);
  const done = update(me);
  const epoch = nextEpoch(0);
  while (awaitReaders(0, epoch, -1) == 0);
  set(slot, -7);
  return done;
}

/** Waits for readers once, with a time-out. @returns whether they had ended */
export function synchronizeInTime(): i32 {
  return awaitReaders(0, nextEpoch(0), 1);
}

/** Dies reading. @returns 0 */
export function readAndDie(me: i32): i32 {
  beginRead(0, enterSlot(RCU_ROOT_BYTES, SLOTS, me));
  store(dead(), 1);
  notify(dead(), -1);
  return 0;
}

/** Dies with a draft, half written. @returns 0 */
export function updateAndDie(me: i32): i32 {
  lockMutex(RCU_ROOT_UPDATERS, me, 0);
  const version = pickVersion(0);
  copyVersion(0, version);
  set(payload(version), 100);
  store(dead(), 1);
  notify(dead(), -1);
  return 0;
}

/** @returns what `recoverRcu` returned */
export function recoverDead(ended: i32, me: i32): i32 {
  wait(dead(), 0, -1);
  return load(dead()) == 1 ? recoverRcu(0, ended, me) : -1;
}
