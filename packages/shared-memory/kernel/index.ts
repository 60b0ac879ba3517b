export { sequence, bump, park } from './park.ts';
export { linkName } from './name-table.ts';
