// The file that all cases of a group read: made by the first of them, removed by the last.
import {
  closeSync,
  constants,
  fsyncSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NotMeasurableError, messageOf } from '../../errors.ts';
import { BLOCK_BYTES, FILE_BLOCKS, FILE_BYTES, allocate, isBlock, wordsOf, writeBlocks } from './blocks.ts';

/** Of statfs(2): file systems in memory, where there is no device to read from. */
const IN_MEMORY = new Set([0x0102_1994, 0x8584_58f6]);
const CHUNK_BLOCKS = 256;

export class BlockFile {
  readonly path: string;
  readonly #folder: string;
  readonly #fd: number;
  readonly #chunk = allocate(CHUNK_BLOCKS * BLOCK_BYTES);
  readonly #onExit = (): void => this.#clear();

  constructor() {
    this.#folder = mkdtempSync(join(folderOnDevice(), 'corelane-bench-'));
    process.once('exit', this.#onExit); // where the group ends in the middle
    this.path = join(this.#folder, 'blocks');
    this.#fd = openSync(this.path, 'w+');
    const words = wordsOf(this.#chunk);
    for (let first = 0; first < FILE_BLOCKS; first += CHUNK_BLOCKS) {
      writeBlocks(words, first, CHUNK_BLOCKS);
      writeSync(this.#fd, this.#chunk);
    }
    fsyncSync(this.#fd); // nothing is written back while others are measured
  }

  /** Reads all of it into the page cache, from which it may have gone for reasons of the machine. */
  warm(): void {
    for (let at = 0; at < FILE_BYTES; at += this.#chunk.length)
      if (readSync(this.#fd, this.#chunk, 0, this.#chunk.length, at) !== this.#chunk.length)
        throw new Error(`the file of ${FILE_BYTES} bytes ends before ${at + this.#chunk.length}`);
  }

  /** A path beside it, on the same device; removed with it. */
  beside(name: string): string {
    return join(this.#folder, name);
  }

  /** @throws NotMeasurableError where its file system has no O_DIRECT */
  requireDirect(): void {
    if (!('O_DIRECT' in constants)) throw new NotMeasurableError(`${process.platform} has no O_DIRECT`);
    try {
      const fd = openSync(this.path, constants.O_RDONLY | constants.O_DIRECT);
      try {
        const block = allocate(BLOCK_BYTES);
        readSync(fd, block, 0, BLOCK_BYTES, BLOCK_BYTES);
        if (!isBlock(wordsOf(block), 0, 1)) throw new Error('it reads something else');
      } finally {
        closeSync(fd);
      }
    } catch (error) {
      throw new NotMeasurableError(`no O_DIRECT on ${this.path}: ${messageOf(error)}`);
    }
    if (isInMemory(this.#folder))
      throw new NotMeasurableError(`${this.#folder} is in memory, not on a device`);
  }

  remove(): void {
    closeSync(this.#fd);
    process.off('exit', this.#onExit);
    this.#clear();
  }

  #clear(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function isInMemory(folder: string): boolean {
  return IN_MEMORY.has(statfsSync(folder).type);
}

/** TMPDIR, unless it is in memory and there is another. */
function folderOnDevice(): string {
  const first = tmpdir();
  return (
    [first, '/var/tmp', process.cwd()].find((folder) => {
      try {
        return !isInMemory(folder);
      } catch {
        return false; // not there
      }
    }) ?? first
  );
}

/** One file for the cases of a group. */
export class SharedBlockFile {
  #file: BlockFile | undefined;
  #users = 0;

  acquire(): BlockFile {
    this.#file ??= new BlockFile();
    this.#users++;
    return this.#file;
  }

  release(): void {
    if (--this.#users > 0) return;
    this.#file?.remove();
    this.#file = undefined;
  }
}
