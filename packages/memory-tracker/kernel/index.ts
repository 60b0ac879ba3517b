export { raise, resetPeak } from './peak.ts';
export { settleAlarm } from './alarm.ts';
export { addBytes, trackAlloc, trackDealloc, takeBytes } from './track.ts';
export { observe64, observedHigh, observedLow, put64 } from './word64.ts';
