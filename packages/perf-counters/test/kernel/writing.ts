// What writers do to slots, on the model: under vitest the seam imported here is the twin.
export { store } from '@corelane/shared-memory/kernel/atomics';
export { addAmount, addTally } from '@corelane/shared-memory/kernel/tally';
