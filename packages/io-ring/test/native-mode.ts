/** Which of the two this run is about: every test file runs with the addon and, as project `io-ring-fallback`, without it. */
import { IoRing } from '../src/io-ring.ts';

/** Whether the addon was meant to be off. */
export const fallback: boolean = process.env['CORELANE_NO_NATIVE'] === '1';

const ring = IoRing.open({ entries: 2, files: 0 });
/** There is a ring. `false` in the fallback run, without the addon (no Linux, no compiler), and where io_uring is forbidden. */
export const native: boolean = ring.backend.kind === 'io_uring';
await ring.close();
