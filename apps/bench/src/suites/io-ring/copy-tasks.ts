// Ways to copy a file. In each, a copy counts when it holds what the file holds, which is looked at when the clock has stopped.
import {
  closeSync,
  createReadStream,
  createWriteStream,
  openSync,
  promises,
  readSync,
  rmSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { copy, type CopyWay } from '@corelane/io-ring';
import { BLOCK_BYTES, FILE_BLOCKS, FILE_BYTES, allocate, isBlock, wordsOf } from './blocks.ts';
import { requireRing } from './require-ring.ts';
import type { OpenTask, Task } from './task.ts';

const CHUNK_BLOCKS = 256;
const MEBIBYTE = 1 << 20;

/** Whether a file has all blocks, and nothing else. */
function isWhole(path: string): boolean {
  const chunk = allocate(CHUNK_BLOCKS * BLOCK_BYTES);
  const words = wordsOf(chunk);
  const fd = openSync(path, 'r');
  try {
    for (let first = 0; first < FILE_BLOCKS; first += CHUNK_BLOCKS) {
      if (readSync(fd, chunk, 0, chunk.length, first * BLOCK_BYTES) !== chunk.length) return false;
      for (let index = 0; index < CHUNK_BLOCKS; index++)
        if (!isBlock(words, index, first + index)) return false;
    }
    return readSync(fd, chunk, 0, 1, FILE_BYTES) === 0;
  } finally {
    closeSync(fd);
  }
}

/** Copies to files that are not there yet, and are removed with the clock stopped. */
function copying(
  path: string,
  copyTo: (target: string) => Promise<unknown>,
  close: Task['close'] = () => {},
): Task {
  const targets: string[] = [];
  let count = 0;
  const remove = (): void => {
    for (const target of targets.splice(0)) rmSync(target, { force: true });
  };
  return {
    async run(operations) {
      for (let operation = 0; operation < operations; operation++) {
        const target = join(dirname(path), `copy-${process.pid}-${count++}`);
        targets.push(target);
        await copyTo(target);
      }
      return operations;
    },
    settle() {
      const whole = targets.filter(isWhole).length;
      remove();
      return whole;
    },
    close: async () => {
      remove();
      await close();
    },
  };
}

function openCopy(way: CopyWay | 'auto'): OpenTask {
  return ({ path }) => {
    const ring = requireRing();
    return copying(
      path,
      (target) => copy(ring, path, target, { way }),
      () => ring.close(),
    );
  };
}

/** The plainest loop: a buffer of 1 MiB, read and written in turn. */
async function copyByHandles(path: string, target: string): Promise<void> {
  const from = await promises.open(path, 'r');
  const to = await promises.open(target, 'w');
  const buffer = Buffer.allocUnsafeSlow(MEBIBYTE);
  try {
    for (let at = 0; ;) {
      const { bytesRead } = await from.read(buffer, 0, MEBIBYTE, at);
      if (bytesRead === 0) return;
      await to.write(buffer, 0, bytesRead, at);
      at += bytesRead;
    }
  } finally {
    await from.close();
    await to.close();
  }
}

export const COPIES = {
  copy: openCopy('auto'),
  'copy-buffers': openCopy('buffers'),
  'copy-file': ({ path }) => copying(path, (target) => promises.copyFile(path, target)),
  'copy-streams': ({ path }) =>
    copying(path, (target) => pipeline(createReadStream(path), createWriteStream(target))),
  'copy-handles': ({ path }) => copying(path, (target) => copyByHandles(path, target)),
} satisfies Record<string, OpenTask>;
