export { advanceClock, claimTicker, parkTicker, readClock, releaseTicker, tickerOf } from './coarse-clock.ts';
export { sequence, bump, park } from './park.ts';
export { linkName } from './name-table.ts';
