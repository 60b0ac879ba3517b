// A cell whose readers never wait: read, copy, update. Readers announce the epoch in which they began; an updater publishes another
// version and uses the old one again when all that read began later.
// After P. McKenney and J. Slingwine, "Read-Copy Update" (1998), and M. Desnoyers et al., "User-Level Implementations of
// Read-Copy Update" (2012), with an epoch that counts on in place of two phases. The protocol is in PROTOCOL.md, section "RCU cell".
//
// `cell` is the byte address of the root, `slot` that of the calling thread's reader slot. Updaters hold the mutex at
// `cell + RCU_ROOT_UPDATERS` (mutex.ts) around pickVersion … publishVersion.
//
// Tried and rejected: hazard pointers: a reader must look again whether what it announced is still current, and try again. A count of
// readers in each version: all readers write one line.
import { add, get, load, notify, set, store, sub, wait } from '@corelane/shared-memory/kernel/atomics';
import {
  NOT_OWNER,
  RCU_FIRST_EPOCH,
  RCU_NO_VERSION,
  RCU_ROOT_BYTES,
  RCU_ROOT_CURRENT,
  RCU_ROOT_ENDED,
  RCU_ROOT_EPOCH,
  RCU_ROOT_MAX_READERS,
  RCU_ROOT_PAYLOAD_BYTES,
  RCU_ROOT_STRIDE_BYTES,
  RCU_ROOT_UPDATERS,
  RCU_ROOT_VERSIONS,
  RCU_ROOT_WAITERS,
  RCU_VERSION_BYTES,
  RCU_VERSION_RETIRED_AT,
  READER_SLOT_BYTES,
  READER_SLOT_DEPTH,
  READER_SLOT_EPOCH,
  UNLOCKED,
} from './layout.generated.ts';
import { recoverMutex, takeOverMutex, unlockMutex } from './mutex.ts';
import { freeSlot, takeDeadSlot } from './reader-slots.ts';

/** Before the cell is shared. Version 0 is the current one. `payloads`: byte address of the first. */
export function initializeRcu(
  cell: i32,
  maxReaders: i32,
  versions: i32,
  payloadBytes: i32,
  strideBytes: i32,
): void {
  set(cell + RCU_ROOT_MAX_READERS, maxReaders);
  set(cell + RCU_ROOT_VERSIONS, versions);
  set(cell + RCU_ROOT_PAYLOAD_BYTES, payloadBytes);
  set(cell + RCU_ROOT_STRIDE_BYTES, strideBytes);
  store(cell + RCU_ROOT_EPOCH, RCU_FIRST_EPOCH);
  for (let version = 0; version < versions; version++)
    set(recordOf(cell, version) + RCU_VERSION_RETIRED_AT, RCU_FIRST_EPOCH);
}

/** Wait-free: a load, a store and a load. @returns the index of the version, which stays as it is until endRead */
export function beginRead(cell: i32, slot: i32): i32 {
  const depth = get(slot + READER_SLOT_DEPTH);
  set(slot + READER_SLOT_DEPTH, (depth + 1) | 0);
  // announce: before the load of `current`; pairs with the look of oldestEpoch. An inner section is under the outer one's epoch.
  if (depth == 0) store(slot + READER_SLOT_EPOCH, load(cell + RCU_ROOT_EPOCH));
  return load(cell + RCU_ROOT_CURRENT); // observe: pairs with publish in publishVersion
}

/** Wait-free. @returns UNLOCKED, or NOT_OWNER where the thread does not read */
export function endRead(cell: i32, slot: i32): i32 {
  const depth = get(slot + READER_SLOT_DEPTH);
  if (depth == 0) return NOT_OWNER;
  set(slot + READER_SLOT_DEPTH, (depth - 1) | 0);
  if (depth == 1) quiesce(cell, slot);
  return UNLOCKED;
}

function quiesce(cell: i32, slot: i32): void {
  // end: hands the version back; pairs with the look of oldestEpoch. Before the load of `waiters`, which is stored before that look.
  store(slot + READER_SLOT_EPOCH, 0);
  if (load(cell + RCU_ROOT_WAITERS) != 0) {
    add(cell + RCU_ROOT_ENDED, 1); // publish: pairs with the compare in awaitReaders
    notify(cell + RCU_ROOT_ENDED, -1);
  }
}

/** The epoch in which the oldest of those began that read now, or the present one where nobody does. */
function oldestEpoch(cell: i32): i32 {
  let oldest = load(cell + RCU_ROOT_EPOCH);
  const count = get(cell + RCU_ROOT_MAX_READERS);
  for (let i = 0; i < count; i++) {
    // observe: pairs with announce and end. Who announces after this look loads what is current now, or something later.
    const epoch = load(cell + RCU_ROOT_BYTES + i * READER_SLOT_BYTES + READER_SLOT_EPOCH);
    if (epoch != 0 && ((epoch - oldest) | 0) < 0) oldest = epoch;
  }
  return oldest;
}

/** @returns an epoch that is later than that of every reader that has begun: `awaitReaders` waits for those */
export function nextEpoch(cell: i32): i32 {
  return (add(cell + RCU_ROOT_EPOCH, 2) + 2) | 0;
}

/**
 * Parks at most once, until readers have ended that began before `epoch`.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns 1 where all of them have ended, 0: come again
 */
export function awaitReaders(cell: i32, epoch: i32, timeoutUs: i32): i32 {
  add(cell + RCU_ROOT_WAITERS, 1); // publish: before the look; pairs with the load in quiesce
  const turn = load(cell + RCU_ROOT_ENDED); // observe: before the look; pairs with the bump in quiesce
  let isOver: i32 = ((oldestEpoch(cell) - epoch) | 0) >= 0 ? 1 : 0;
  if (isOver == 0) {
    wait(cell + RCU_ROOT_ENDED, turn, timeoutUs);
    isOver = ((oldestEpoch(cell) - epoch) | 0) >= 0 ? 1 : 0;
  }
  sub(cell + RCU_ROOT_WAITERS, 1);
  return isOver;
}

/**
 * By who has the mutex of the updaters.
 * @returns the index of a version that nobody reads and that is not current, or RCU_NO_VERSION
 */
export function pickVersion(cell: i32): i32 {
  const oldest = oldestEpoch(cell);
  const current = load(cell + RCU_ROOT_CURRENT);
  const versions = get(cell + RCU_ROOT_VERSIONS);
  for (let version = 0; version < versions; version++) {
    const retiredAt = get(recordOf(cell, version) + RCU_VERSION_RETIRED_AT);
    if (version != current && ((oldest - retiredAt) | 0) >= 0) return version;
  }
  return RCU_NO_VERSION;
}

/** By who has the mutex of the updaters: the current payload into `version`, which it picked. */
export function copyVersion(cell: i32, version: i32): void {
  const bytes = get(cell + RCU_ROOT_PAYLOAD_BYTES);
  const from = payloadOf(cell, load(cell + RCU_ROOT_CURRENT));
  const to = payloadOf(cell, version);
  for (let i = 0; i < bytes; i += 4) set(to + i, get(from + i));
}

/** By who has the mutex of the updaters: readers get `version` from now on, which it picked and wrote. */
export function publishVersion(cell: i32, version: i32): void {
  const old = load(cell + RCU_ROOT_CURRENT);
  store(cell + RCU_ROOT_CURRENT, version); // publish: the payload; pairs with observe in beginRead
  // After it: who announces this epoch, or a later one, has got the new version. (Nothing stops a thread between these lines.)
  set(recordOf(cell, old) + RCU_VERSION_RETIRED_AT, nextEpoch(cell));
}

/**
 * After the thread `dead` has ended: it does not read any more, and its update was never made. Any thread may call it.
 * @returns what it had: 0 nothing, 1 a read section, 2 the mutex of the updaters, 3 both
 */
export function recoverRcu(cell: i32, dead: i32, me: i32): i32 {
  let had: i32 = 0;
  const count = get(cell + RCU_ROOT_MAX_READERS);
  const slot = takeDeadSlot(cell + RCU_ROOT_BYTES, count, dead);
  if (slot != 0) {
    if (load(slot + READER_SLOT_EPOCH) != 0) {
      quiesce(cell, slot);
      had = 1;
    }
    freeSlot(slot);
  }
  const updaters = cell + RCU_ROOT_UPDATERS;
  if (takeOverMutex(updaters, dead, me) != 0) {
    had = had | 2; // what it wrote was not current: nothing is damaged
    unlockMutex(updaters, me);
  }
  recoverMutex(updaters, dead); // a wake-up may have gone to it
  return had;
}

function recordOf(cell: i32, version: i32): i32 {
  return (
    cell + RCU_ROOT_BYTES + get(cell + RCU_ROOT_MAX_READERS) * READER_SLOT_BYTES + version * RCU_VERSION_BYTES
  );
}

function payloadOf(cell: i32, version: i32): i32 {
  const records = recordOf(cell, get(cell + RCU_ROOT_VERSIONS));
  return ((records + 127) & ~127) + version * get(cell + RCU_ROOT_STRIDE_BYTES);
}
