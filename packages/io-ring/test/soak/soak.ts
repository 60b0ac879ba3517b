/**
 * Random operations on worker threads that are killed at random, for as long as it is told. After each kill: the file holds what was answered, no
 * buffer is lost, no descriptor is left open, and the pipe that was read from is read by nobody.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { BufferPool } from '@corelane/buffer-pool';
import { Arena } from '@corelane/shared-memory';
import { loadNative } from '../../src/native.ts';
import { Journal, PAGE_BYTES, PAGES } from './pages.ts';
import type { ThreadData } from './thread.ts';

const BUFFERS = 16;
/** One thread does so many before it is killed, at most. */
const MOST_OPERATIONS = 400;
const MOST_MS = 5000;

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  readonly threads: number;
  readonly engine: 'auto' | 'fs';
}

export interface SoakResult {
  readonly operations: number;
  readonly kills: number;
}

/** One file, one writer at a time, each killed after a while. */
async function slot(
  folder: string,
  index: number,
  until: number,
  options: SoakOptions,
  count: Int32Array,
): Promise<number> {
  const file = path.join(folder, `file-${index}`);
  const pipe = path.join(folder, `pipe-${index}`);
  execFileSync('mkfifo', [pipe]);
  const journal = new Journal();
  const all = new Uint8Array(PAGES * PAGE_BYTES);
  const pageOf = (page: number): Uint8Array => all.subarray(page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  for (let page = 0; page < PAGES; page++) journal.settle(page, pageOf(page));
  fs.writeFileSync(file, all);
  const fd = fs.openSync(file, 'r+');
  const pipeFd = fs.openSync(pipe, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
  const arena = Arena.create({ bytes: BUFFERS * 2 * PAGE_BYTES + (1 << 18) });
  const pool = BufferPool.create(arena, { buffers: BUFFERS, bufferBytes: PAGE_BYTES });
  const fail = (seed: number, what: string): never => {
    throw new Error(`seed ${seed}: ${what}`);
  };
  let kills = 0;
  while (performance.now() < until) {
    const seed = options.seed + kills * options.threads + index;
    const owner = pool.register();
    const workerData: ThreadData = {
      seed,
      file,
      pipe,
      journal: journal.buffer,
      pool: pool.handle,
      owner,
      engine: options.engine,
      count,
    };
    const worker = new Worker(new URL('thread.ts', import.meta.url), {
      workerData,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    const failed = new Promise<never>((_, reject) => {
      worker.once('error', reject);
    });
    failed.catch(() => undefined);
    await Promise.race([once(worker, 'message'), failed]);
    // Not for long, and not before it has done something, however loaded the machine is.
    const chance = (Math.imul(seed, 2_654_435_761) >>> 8) % MOST_OPERATIONS;
    const [enough, latest] = [Atomics.load(count, 0) + chance, performance.now() + MOST_MS];
    while (Atomics.load(count, 0) < enough && performance.now() < latest)
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 5)), failed]);
    await worker.terminate();
    kills++;

    pool.reclaim(owner);
    pool.settle(owner);
    const { available, capacity } = pool.stats();
    if (available !== capacity)
      fail(seed, `${available} of ${capacity} buffers are available after the kill`);
    fs.readSync(fd, all, 0, all.length, 0);
    for (let page = 0; page < PAGES; page++) {
      const problem = journal.problemOf(page, pageOf(page));
      if (problem !== undefined) fail(seed, `after the kill: ${problem}`);
      if (journal.isOpen(page)) {
        journal.settle(page, pageOf(page));
        fs.writeSync(fd, pageOf(page), 0, PAGE_BYTES, page * PAGE_BYTES);
      }
    }
    const text = 'x'.repeat(200);
    fs.writeSync(pipeFd, text);
    await new Promise(setImmediate);
    const left = fs.readSync(pipeFd, Buffer.alloc(400));
    if (left !== text.length) fail(seed, `somebody still reads: ${left} of ${text.length} bytes were left`);
  }
  fs.closeSync(fd);
  fs.closeSync(pipeFd);
  return kills;
}

/** Descriptors on files of a folder, of rings and of connections. */
function descriptors(folder: string): string[] {
  return fs.readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = fs.readlinkSync(`/proc/self/fd/${fd}`);
      return target.startsWith(folder) || /\[io_uring\]|^socket:/.test(target) ? [target] : [];
    } catch {
      return []; // that of the listing
    }
  });
}

/** @throws Error with the seed of the thread that shows it */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-soak-'));
  const before = descriptors(folder).length;
  const count = new Int32Array(new SharedArrayBuffer(4));
  try {
    const until = performance.now() + options.seconds * 1000;
    const slots = Array.from({ length: options.threads }, (_, index) =>
      slot(folder, index, until, options, count),
    );
    const kills = (await Promise.all(slots)).reduce((sum, each) => sum + each, 0);
    const left = descriptors(folder);
    // On node:fs, a file that libuv's thread opens while its worker is terminated stays open: Node hears of it no more.
    const ours = options.engine === 'auto' && loadNative().addon !== null;
    if (ours && left.length > before) throw new Error(`descriptors were left open: ${left.join(', ')}`);
    return { operations: Atomics.load(count, 0), kills };
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
