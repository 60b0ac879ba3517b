// The task of piscina: its workers import this file.
export { double as default } from './double.ts';
