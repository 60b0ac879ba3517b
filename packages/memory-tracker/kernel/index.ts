export { observe64, observedHigh, observedLow, raise, trackAlloc, trackDealloc } from './track.ts';
