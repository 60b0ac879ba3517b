export { sequence, bump, park } from './park.ts';
