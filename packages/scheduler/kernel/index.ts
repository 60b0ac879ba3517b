export { cancelSlot, condemnSlot, submitSlot } from './client.ts';
export { armGrowth, armSlowGrowth, holdsSlot, retireWorker } from './crew.ts';
export { countFinished, deliverSlot, fallAsleep, nextFinished, takeFinished } from './finished-list.ts';
export { acquireSlot, releaseSlot } from './free-list.ts';
export { markAllLevels } from './lanes.ts';
export {
  abandonSlot,
  busySlots,
  closeList,
  doomSlot,
  giveUpSlot,
  mendSlot,
  queuedSlots,
  reclaimSlot,
  recoverSlot,
  slotsOf,
} from './owner.ts';
export { claimAbove } from './overtaking.ts';
export { hasPinned, setLive } from './pinned.ts';
export { freeBlock, takeBlock } from './slab.ts';
export { slowRefusal, submitSlow } from './slow-entry.ts';
export {
  announceSleep,
  endSleep,
  hasWork,
  parkWorker,
  wakeAll,
  wakeOne,
  wakeSlow,
  wakeWorker,
} from './sleep.ts';
export { giveTier, seizeTier, takeTier, tierOf } from './tier-lock.ts';
export { beginWork, claimSlow, claimSoon, claimTask, finishSlot, spinForWork } from './worker.ts';
