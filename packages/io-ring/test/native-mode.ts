/** Which of the two this run is about: every test file runs with the addon and, as project `io-ring-fallback`, without it. */
import { loadNative } from '../src/native.ts';

/** Whether the addon was meant to be off. */
export const fallback: boolean = process.env['CORELANE_NO_NATIVE'] === '1';

/** The addon is there. `false` in the fallback run, and on machines without one (no Linux, no compiler). */
export const native: boolean = loadNative().addon !== null;
