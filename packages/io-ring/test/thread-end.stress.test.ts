/** Threads and processes that end with operations in flight. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { fileOf, pattern, pipe, shared, turn } from './files.ts';
import { native } from './native-mode.ts';

const execArgv = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
const PROGRAM = path.join(import.meta.dirname, 'busy-thread.ts');

/** Rings that this process has open. */
function rings(): number {
  if (!native) return 0;
  return fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[io_uring]';
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}

test('workers that are terminated with operations in flight take nothing with them', async () => {
  const ROUNDS = 60;
  const fd = native ? pipe() : fs.openSync(fileOf(pattern(1 << 16)), 'r');
  const memory = shared(4096);
  const before = rings();
  const enough = performance.now() + 15_000; // on a loaded machine, or with sanitizers
  for (let round = 0; round < ROUNDS && (round < 10 || performance.now() < enough); round++) {
    const worker = new Worker(PROGRAM, { execArgv, workerData: { fd, memory, batch: round % 2 === 0 } });
    await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
  }
  if (native) {
    fs.writeSync(fd, 'x'.repeat(64)); // whoever still reads would take it
    await turn();
    expect(memory.every((byte) => byte === 0)).toBe(true);
    expect(rings()).toBe(before);
  } else fs.closeSync(fd);
}, 60_000);

for (const end of ['exit', 'throw', 'return'])
  test(`a process that ends by ${end} with operations in flight ends as it should`, () => {
    const file = fileOf(pattern(1 << 16));
    const started = performance.now();
    const { status, signal, stderr } = spawnSync(process.execPath, [...execArgv, PROGRAM, end, file], {
      encoding: 'utf8',
      timeout: 20_000,
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    expect({ status, signal, stderr: end === 'throw' ? '' : stderr }).toEqual({
      status: end === 'exit' ? 7 : end === 'throw' ? 1 : 0,
      signal: null,
      stderr: '',
    });
    expect(performance.now() - started).toBeLessThan(20_000);
  });
