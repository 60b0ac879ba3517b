export { cancelSlot, condemnSlot, enterSlot } from './client.ts';
export { deliverSlot, fallAsleep, nextFinished, takeFinished } from './finished-list.ts';
export { acquireSlot, releaseSlot } from './free-list.ts';
export { abandonSlot, busySlots, closeList, doomWorker, reclaimSlot, recoverSlot, slotsOf } from './owner.ts';
export { announceSleep, endSleep, parkWorker, wakeAll, wakeOne, waitingTasks } from './sleep.ts';
export { claimTask, finishSlot, isDisowned } from './worker.ts';
