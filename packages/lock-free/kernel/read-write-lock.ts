// Read-write lock, phase-fair: readers and writers take turns.
// After B. Brandenburg and J. Anderson, "Spin-Based Reader-Writer Synchronization for Multiprocessor Real-Time Systems" (2010), with
// one word in place of their four, threads that park, and writers behind a mutex. The protocol is in PROTOCOL.md, section "Read-write lock".
//
// `lock` is the byte address of the root, `slot` that of the calling thread's reader slot. Writers hold the mutex at
// `lock + READ_WRITE_ROOT_WRITERS` (mutex.ts) around beginWrite … endWrite.
//
// Tried and rejected: preference for writers: readers starve while writers keep coming. Tickets for writers: one that gives up in
// time leaves a gap that somebody must close. Two counters of arrivals and departures (theirs): a reader then enters with one
// addition, but a phase has one bit, which a writer that gives up brings back while a reader still waits for it.
import {
  add,
  compareExchange64,
  get,
  high,
  load,
  load64,
  low,
  notify,
  set,
  wait,
} from '@corelane/shared-memory/kernel/atomics';
import {
  LOCK_BUSY,
  LOCK_RECOVERED,
  LOCK_TAKEN,
  LOCK_TIMED_OUT,
  MUTEX_STATE_OWNER_MASK,
  MUTEX_WORDS_STATE,
  NOT_OWNER,
  READ_WRITE_ROOT_ADMITTED,
  READ_WRITE_ROOT_BYTES,
  READ_WRITE_ROOT_CONTENDED_READS,
  READ_WRITE_ROOT_CONTENDED_WRITES,
  READ_WRITE_ROOT_DRAINED,
  READ_WRITE_ROOT_MAX_READERS,
  READ_WRITE_ROOT_STATE,
  READ_WRITE_ROOT_WRITERS,
  READ_WRITE_STATE_ACTIVE_MASK,
  READ_WRITE_STATE_ACTIVE_ONE,
  READ_WRITE_STATE_POISONED_ONE,
  READ_WRITE_STATE_WAITING_MASK,
  READ_WRITE_STATE_WAITING_ONE,
  READ_WRITE_STATE_WAITING_SHIFT,
  READ_WRITE_STATE_WRITER_ONE,
  READER_SLOT_DEPTH,
  READER_SLOT_IS_WAITING,
  READER_SLOT_PHASE,
  UNLOCKED,
} from './layout.generated.ts';
import { recoverMutex, takeOverMutex, unlockMutex } from './mutex.ts';
import { freeSlot, takeDeadSlot } from './reader-slots.ts';

/** Before the lock is shared; all else starts as zeros. */
export function initializeReadWrite(lock: i32, maxReaders: i32): void {
  set(lock + READ_WRITE_ROOT_MAX_READERS, maxReaders);
}

function outcomeOf(state: i32): i32 {
  return (state & READ_WRITE_STATE_POISONED_ONE) != 0 ? LOCK_RECOVERED : LOCK_TAKEN;
}

/** Reads where no writer is there, or where the thread reads already. @returns LOCK_TAKEN, LOCK_RECOVERED or LOCK_BUSY */
export function lockRead(lock: i32, slot: i32): i32 {
  const depth = get(slot + READER_SLOT_DEPTH);
  if (depth != 0) {
    // It is counted: a writer that has announced itself waits for it. Waiting for that writer would be waiting for itself.
    set(slot + READER_SLOT_DEPTH, (depth + 1) | 0);
    return LOCK_TAKEN;
  }
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    if ((state & READ_WRITE_STATE_WRITER_ONE) != 0) return LOCK_BUSY;
    const next = (state + READ_WRITE_STATE_ACTIVE_ONE) | 0;
    // enter: pairs with the CAS in endWrite, which publishes the guarded data.
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) != 0) {
      set(slot + READER_SLOT_DEPTH, 1); // nothing between: a thread is terminated where it is counted and known, or neither
      return outcomeOf(state);
    }
  }
}

/**
 * Reads where no writer is there, or joins the readers that wait for the end of its phase: from then on no later writer comes
 * before. For a thread that does not read.
 * @returns LOCK_TAKEN, LOCK_RECOVERED; LOCK_BUSY: joined, go on with awaitRead, or leaveReaders
 */
export function joinReaders(lock: i32, slot: i32): i32 {
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    const isBusy = (state & READ_WRITE_STATE_WRITER_ONE) != 0;
    const next = (state + (isBusy ? READ_WRITE_STATE_WAITING_ONE : READ_WRITE_STATE_ACTIVE_ONE)) | 0;
    // enter or join: pairs with the CAS in endWrite.
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) == 0) continue;
    if (!isBusy) {
      set(slot + READER_SLOT_DEPTH, 1);
      return outcomeOf(state);
    }
    set(slot + READER_SLOT_PHASE, phase);
    set(slot + READER_SLOT_IS_WAITING, 1);
    add(lock + READ_WRITE_ROOT_CONTENDED_READS, 1);
    return LOCK_BUSY;
  }
}

/** Has the writer let the reader in that joined? @returns LOCK_TAKEN, LOCK_RECOVERED, or LOCK_BUSY */
function settle(lock: i32, slot: i32): i32 {
  load64(lock + READ_WRITE_ROOT_STATE); // observe: pairs with the CAS in endWrite
  if (high() == get(slot + READER_SLOT_PHASE)) return LOCK_BUSY;
  set(slot + READER_SLOT_IS_WAITING, 0);
  set(slot + READER_SLOT_DEPTH, 1);
  return outcomeOf(low());
}

/**
 * For a reader that joined: looks `spins` times, then parks once.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns LOCK_TAKEN, LOCK_RECOVERED, or LOCK_BUSY: come again, or leave
 */
export function awaitRead(lock: i32, slot: i32, spins: i32, timeoutUs: i32): i32 {
  for (let i = 0; i < spins; i++) {
    const early = settle(lock, slot);
    if (early != LOCK_BUSY) return early;
  }
  const turn = load(lock + READ_WRITE_ROOT_ADMITTED); // observe: before the look; pairs with the bump in endWrite
  const outcome = settle(lock, slot);
  if (outcome != LOCK_BUSY) return outcome;
  wait(lock + READ_WRITE_ROOT_ADMITTED, turn, timeoutUs);
  return settle(lock, slot);
}

/** A reader that joined gives up. @returns LOCK_TIMED_OUT; LOCK_TAKEN or LOCK_RECOVERED where it had been let in before */
export function leaveReaders(lock: i32, slot: i32): i32 {
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    if (phase != get(slot + READER_SLOT_PHASE)) {
      set(slot + READER_SLOT_IS_WAITING, 0);
      set(slot + READER_SLOT_DEPTH, 1);
      return outcomeOf(state);
    }
    const next = (state - READ_WRITE_STATE_WAITING_ONE) | 0;
    // leave: against endWrite, which would count it as reading.
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) != 0) {
      set(slot + READER_SLOT_IS_WAITING, 0);
      return LOCK_TIMED_OUT;
    }
  }
}

/** @returns UNLOCKED, or NOT_OWNER where the thread does not read */
export function unlockRead(lock: i32, slot: i32): i32 {
  const depth = get(slot + READER_SLOT_DEPTH);
  if (depth == 0) return NOT_OWNER;
  if (depth > 1) set(slot + READER_SLOT_DEPTH, (depth - 1) | 0);
  else leaveActive(lock, slot);
  return UNLOCKED;
}

function leaveActive(lock: i32, slot: i32): void {
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    const next = (state - READ_WRITE_STATE_ACTIVE_ONE) | 0;
    // leave: pairs with the look of the writer in beginWrite and awaitDrained.
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) == 0) continue;
    set(slot + READER_SLOT_DEPTH, 0);
    const isLast = (next & READ_WRITE_STATE_ACTIVE_MASK) == 0;
    if (isLast && (next & READ_WRITE_STATE_WRITER_ONE) != 0) {
      add(lock + READ_WRITE_ROOT_DRAINED, 1); // publish: pairs with the look and the compare in awaitDrained
      notify(lock + READ_WRITE_ROOT_DRAINED, 1);
    }
    return;
  }
}

/**
 * By who has the mutex: no reader comes in from now on.
 * @returns LOCK_TAKEN, LOCK_RECOVERED; LOCK_BUSY while there are readers: go on with awaitDrained, or give up with endWrite
 */
export function beginWrite(lock: i32): i32 {
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    const next = state | READ_WRITE_STATE_WRITER_ONE;
    // announce: pairs with the looks of lockRead and joinReaders; observes what the readers before have left.
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) == 0) continue;
    if ((state & READ_WRITE_STATE_ACTIVE_MASK) == 0) return outcomeOf(state);
    add(lock + READ_WRITE_ROOT_CONTENDED_WRITES, 1);
    return LOCK_BUSY;
  }
}

/** By who has the mutex: writes where nobody reads. @returns LOCK_TAKEN, LOCK_RECOVERED, or LOCK_BUSY: nothing was changed */
export function tryBeginWrite(lock: i32): i32 {
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    if ((state & READ_WRITE_STATE_ACTIVE_MASK) != 0) return LOCK_BUSY;
    const next = state | READ_WRITE_STATE_WRITER_ONE;
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) != 0)
      return outcomeOf(state);
  }
}

/**
 * By a writer that has begun: looks `spins` times whether the last reader has left, then parks once.
 * @param timeoutUs microseconds; negative waits for ever
 * @returns LOCK_TAKEN, LOCK_RECOVERED, or LOCK_BUSY: come again, or give up with endWrite
 */
export function awaitDrained(lock: i32, spins: i32, timeoutUs: i32): i32 {
  for (let i = 0; i < spins; i++) {
    load64(lock + READ_WRITE_ROOT_STATE);
    if ((low() & READ_WRITE_STATE_ACTIVE_MASK) == 0) return outcomeOf(low());
  }
  const turn = load(lock + READ_WRITE_ROOT_DRAINED); // observe: before the look; pairs with the bump in leaveActive
  load64(lock + READ_WRITE_ROOT_STATE);
  if ((low() & READ_WRITE_STATE_ACTIVE_MASK) != 0) {
    wait(lock + READ_WRITE_ROOT_DRAINED, turn, timeoutUs);
    load64(lock + READ_WRITE_ROOT_STATE);
  }
  return (low() & READ_WRITE_STATE_ACTIVE_MASK) == 0 ? outcomeOf(low()) : LOCK_BUSY;
}

/**
 * By who has the mutex: ends its phase, also where it was never inside. The readers that wait are inside with this very step, so
 * the next writer waits for them.
 * @param poison 1: what it guards may be half written
 */
export function endWrite(lock: i32, poison: i32): void {
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    const waiting = (state >> READ_WRITE_STATE_WAITING_SHIFT) & READ_WRITE_STATE_WAITING_MASK;
    const active = ((state & READ_WRITE_STATE_ACTIVE_MASK) + waiting) | 0;
    const kept = state & READ_WRITE_STATE_POISONED_ONE;
    const next = active | kept | (poison != 0 ? READ_WRITE_STATE_POISONED_ONE : 0);
    // admit: publishes the guarded data; pairs with enter, join and observe of readers, and with announce of the next writer.
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, (phase + 1) | 0) == 0) continue;
    if (waiting != 0) {
      add(lock + READ_WRITE_ROOT_ADMITTED, 1); // publish: pairs with observe in awaitRead
      notify(lock + READ_WRITE_ROOT_ADMITTED, -1);
    }
    return;
  }
}

/** The writer `me` says that the guarded data is whole again. @returns UNLOCKED (done), or NOT_OWNER */
export function markReadWriteConsistent(lock: i32, me: i32): i32 {
  const owner = load(lock + READ_WRITE_ROOT_WRITERS + MUTEX_WORDS_STATE) & MUTEX_STATE_OWNER_MASK;
  if (owner != me) return NOT_OWNER;
  load64(lock + READ_WRITE_ROOT_STATE);
  while (true) {
    const state = low();
    const phase = high();
    const next = state & ~READ_WRITE_STATE_POISONED_ONE;
    if (compareExchange64(lock + READ_WRITE_ROOT_STATE, state, phase, next, phase) != 0) return UNLOCKED;
  }
}

/**
 * After the thread `dead` has ended: it neither reads nor waits nor writes any more. Any thread may call it.
 * @returns what it had: 0 nothing, 1 the lock or a place among the readers, 2 the mutex of the writers, 3 both
 */
export function recoverReadWrite(lock: i32, dead: i32, me: i32): i32 {
  let had: i32 = 0;
  const count = get(lock + READ_WRITE_ROOT_MAX_READERS);
  const slot = takeDeadSlot(lock + READ_WRITE_ROOT_BYTES, count, dead);
  if (slot != 0) {
    if (get(slot + READER_SLOT_IS_WAITING) != 0) {
      leaveReaders(lock, slot); // where it had been let in, its depth is 1 now
      had = 1;
    }
    if (get(slot + READER_SLOT_DEPTH) != 0) {
      leaveActive(lock, slot);
      had = 1;
    }
    freeSlot(slot);
  }
  const writers = lock + READ_WRITE_ROOT_WRITERS;
  if (takeOverMutex(writers, dead, me) != 0) {
    had = had | 2;
    load64(lock + READ_WRITE_ROOT_STATE);
    if ((low() & READ_WRITE_STATE_WRITER_ONE) != 0)
      // While there are readers it was not inside.
      endWrite(lock, (low() & READ_WRITE_STATE_ACTIVE_MASK) == 0 ? 1 : 0);
    unlockMutex(writers, me);
  }
  recoverMutex(writers, dead); // a wake-up may have gone to it
  return had;
}
