export { countSlots, sumAmounts, sumHigh, sumTallies, usedWriters } from './slot-sums.ts';
export { observe64, observedHigh, observedLow, put64 } from './word64.ts';
export { claimProcess, processHolder, releaseProcess } from './process-claim.ts';
