export { advanceClock, claimTicker, parkTicker, readClock, releaseTicker, tickerOf } from './coarse-clock.ts';
export { abandon, delist, enlist, park, prepare, unpark } from './parker.ts';
export { linkName } from './name-table.ts';
