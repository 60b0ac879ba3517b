/** How a batch is set up, and the checks of that. */
import { IoArgumentError } from './errors.ts';
import { checkObject } from './operation-options.ts';
import { checkMemory } from './regions.ts';
import { checkFiles } from './registered-files.ts';

const MAX_OPERATIONS = 65_536;
const MAX_VECTORS_OF_RUN = 1_048_576;

export interface IoBatchOptions {
  /** Operations of one run at most: 1 to 65 536, 1024 by default. */
  readonly operations?: number;
  /** Operations in the kernel's hands at once: 1 to 4096, 256 by default. */
  readonly entries?: number;
  /** Registered with the kernel ahead, so that its pages stay mapped. Counts against RLIMIT_MEMLOCK; where it does not fit, `backend.reason` says so. */
  readonly memory?: Uint8Array;
  /**
   * Descriptors registered with the kernel ahead, which saves it a look-up and a count for each operation. They mean the files that they are now:
   * keep them open as long as the batch. At most 64; where the kernel refuses one, `backend.reason` says so.
   */
  readonly files?: readonly number[];
  /** Memories of all `readv` and `writev` of one run together: 1 to 1 048 576, 4096 by default. They take 12 bytes each, from the first use on. */
  readonly vectors?: number;
  /** `fs` for node:fs even where there is a ring. Default `auto`. */
  readonly engine?: 'auto' | 'fs';
}

/** Every option checked; `memory` alone may be missing. */
export type CheckedBatchOptions = Required<Omit<IoBatchOptions, 'memory'>> & Pick<IoBatchOptions, 'memory'>;

/** @throws IoArgumentError, IoMemoryError */
export function checkOptions(options: IoBatchOptions): CheckedBatchOptions {
  checkObject(options, '`{ operations, memory }`');
  const { operations = 1024, entries = 256, vectors = 4096, memory, files = [], engine = 'auto' } = options;
  checkWhole('operations', operations, MAX_OPERATIONS);
  checkWhole('entries', entries, 4096);
  checkWhole('vectors', vectors, MAX_VECTORS_OF_RUN);
  if (memory !== undefined) checkMemory(memory, 'memory');
  checkFiles(files);
  if (engine !== 'auto' && engine !== 'fs') throw new IoArgumentError('engine', engine, "'auto' or 'fs'");
  return { operations, entries, vectors, files, engine, ...(memory === undefined ? {} : { memory }) };
}

function checkWhole(name: string, found: unknown, most: number): void {
  if (typeof found !== 'number' || !Number.isInteger(found) || found < 1 || found > most)
    throw new IoArgumentError(name, found, `a whole number from 1 to ${most}`);
}
