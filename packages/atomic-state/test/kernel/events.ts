// All of the event buffer's kernel as one module, so that mutants of any of its files run through the same scenarios.
export { initializeEvents } from '../../kernel/event-buffer.ts';
export { claimEvents } from '../../kernel/event-claim.ts';
export { publishEvents } from '../../kernel/event-publish.ts';
export { releaseEvents } from '../../kernel/event-release.ts';
export {
  abandonClaim,
  dropTaken,
  forgetSleeper,
  freeSeat,
  passSeat,
  sleepAtEvents,
  wakeAtEvents,
} from '../../kernel/event-seat.ts';
export { takeEvents } from '../../kernel/event-take.ts';
export { park, prepare } from '@corelane/shared-memory/kernel/parker';
