/** How a ring is to be. */
import { IoArgumentError } from './errors.ts';
import { checkObject } from './operation-options.ts';

const MAX_ENTRIES = 4096;
const MAX_FILES = 32_768;

export interface IoRingOptions {
  /** Operations handed to the kernel at once: 1 to 4096, 256 by default, rounded up to a power of two. Twice as many may be in flight. */
  readonly entries?: number;
  /** What happens to an operation for which there is no room: it waits for its turn (default), or is refused with RingFullError. */
  readonly onFull?: 'wait' | 'refuse';
  /** Operations that may wait, 65 536 by default; beyond that they are refused in either case. */
  readonly maxWaiting?: number;
  /** Slots for registered files, 64 by default, 0 for none. Files beyond that work as well, and cost a little more for each operation. */
  readonly files?: number;
  /** Register memory given to `register` with the kernel, so that its pages stay mapped. Counts against RLIMIT_MEMLOCK. Default false. */
  readonly fixedBuffers?: boolean;
  /** `fs` for the engine on node:fs even where there is a ring. Default `auto`. */
  readonly engine?: 'auto' | 'fs';
}

/** With the defaults filled in. @throws IoArgumentError */
export function checkOptions(options: IoRingOptions): Required<IoRingOptions> {
  checkObject(options, '`{ entries, onFull }`');
  const {
    entries = 256,
    onFull = 'wait',
    maxWaiting = 65_536,
    files = 64,
    fixedBuffers = false,
    engine = 'auto',
  } = options;
  checkWhole('entries', entries, 1, MAX_ENTRIES);
  checkWhole('maxWaiting', maxWaiting, 0, 2 ** 31 - 1);
  checkWhole('files', files, 0, MAX_FILES);
  if (onFull !== 'wait' && onFull !== 'refuse')
    throw new IoArgumentError('onFull', onFull, "'wait' or 'refuse'");
  if (engine !== 'auto' && engine !== 'fs') throw new IoArgumentError('engine', engine, "'auto' or 'fs'");
  if (typeof fixedBuffers !== 'boolean')
    throw new IoArgumentError('fixedBuffers', fixedBuffers, 'true or false');
  return { entries, onFull, maxWaiting, files, fixedBuffers, engine };
}

function checkWhole(name: string, found: unknown, least: number, most: number): void {
  if (typeof found !== 'number' || !Number.isInteger(found) || found < least || found > most)
    throw new IoArgumentError(name, found, `a whole number from ${least} to ${most}`);
}
