export { high, low } from '@corelane/shared-memory/kernel/atomics';
export { admitEvents, refundEvents, tryAcquire, tryAcquireAt } from './admission.ts';
export { recordCompression } from './compression.ts';
export { defineEndpoint } from './define.ts';
export { initializeEvents, observeHead, observeTail } from './event-buffer.ts';
export { claimEvents, refused } from './event-claim.ts';
export { publishEvents } from './event-publish.ts';
export { releaseEvents } from './event-release.ts';
export {
  abandonClaim,
  dropTaken,
  forgetSleeper,
  freeSeat,
  passSeat,
  seatOwner,
  sleepAtEvents,
  wakeAtEvents,
} from './event-seat.ts';
export { takeEvents } from './event-take.ts';
export { closeEndpoint, isCurrent, isolateEndpoint, openEndpoint } from './manual.ts';
export { observe } from './observe.ts';
export { permitsOut, reclaimEndpoint } from './permits.ts';
export { beginRestore, endRestore } from './restore.ts';
export { recordDelivery, recordDeliveryAt } from './result.ts';
export { restoreOutcomes } from './rolling.ts';
export { restoreFailure } from './window.ts';
export { countCasesFor, publishCases } from './word-cas.ts';
export {
  standardAbandonClaim,
  standardAdmitEvents,
  standardBeginRestore,
  standardBind,
  standardClose,
  standardDefine,
  standardDropTaken,
  standardEndRestore,
  standardEnter,
  standardInitializeEvents,
  standardIsCurrent,
  standardIsolate,
  standardLeave,
  standardObserveHead,
  standardObserveTail,
  standardOpen,
  standardPublishEvents,
  standardReclaim,
  standardRecordCompression,
  standardRecover,
  standardRecoverEvents,
  standardRefundEvents,
  standardReleaseEvents,
  standardRestoreFailure,
  standardRestoreOutcomes,
} from './standard.ts';
export { claimStandardEvents, takeStandardEvents } from './standard-events.ts';
export { tryAcquireStandard, tryAcquireStandardAt } from './standard-admission.ts';
export { recordStandard, recordStandardAt } from './standard-result.ts';
