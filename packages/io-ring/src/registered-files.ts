/** Descriptors that the kernel holds for a ring from the start: it neither looks them up nor counts them for each operation. */
import { errnoName } from './errno.ts';
import { IoArgumentError } from './errors.ts';
import type { NativeAddon } from './native.ts';

/** At most so many for one ring. */
const MAX_FILES = 64;
const NO_SLOT = -1;

export class RegisteredFiles {
  /** What became of them, as a clause to append; empty where none were asked for. */
  readonly note: string;
  readonly #slots = new Map<number, number>();
  #lastFd = -1;
  #lastSlot = NO_SLOT;

  constructor(addon: NativeAddon, ring: number, fds: readonly number[]) {
    const answer = fds.length > 0 ? addon.registerFiles(ring, fds.length) : 0;
    const refused: string[] = answer < 0 ? [`no table of files (${errnoName(-answer)})`] : [];
    if (answer >= 0)
      for (const [slot, fd] of fds.entries()) {
        const set = addon.setFile(ring, slot, fd);
        if (set >= 0) this.#slots.set(fd, slot);
        else refused.push(`descriptor ${fd} not registered (${errnoName(-set)})`);
      }
    const registered =
      this.#slots.size > 0
        ? [`${this.#slots.size} ${this.#slots.size === 1 ? 'file' : 'files'} registered`]
        : [];
    this.note = [...registered, ...refused].map((part) => `; ${part}`).join('');
  }

  /** The slot of a descriptor, or -1. */
  slotOf(fd: number): number {
    if (fd === this.#lastFd) return this.#lastSlot;
    this.#lastFd = fd;
    this.#lastSlot = this.#slots.get(fd) ?? NO_SLOT;
    return this.#lastSlot;
  }
}

/** @throws IoArgumentError */
export function checkFiles(files: unknown): asserts files is readonly number[] {
  if (!Array.isArray(files) || files.length > MAX_FILES)
    throw new IoArgumentError('files', files, `a list of at most ${MAX_FILES} descriptors`);
  for (const [index, fd] of files.entries()) checkDescriptor(`files[${index}]`, fd);
}

/** @throws IoArgumentError */
export function checkDescriptor(name: string, fd: unknown): asserts fd is number {
  if (typeof fd !== 'number' || !Number.isInteger(fd) || fd < 0 || fd > 0x7fffffff)
    throw new IoArgumentError(name, fd, 'a descriptor: a whole number from 0 to 2147483647');
}
