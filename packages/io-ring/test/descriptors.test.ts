/** What a thread has opened and not closed when it ends. */
import fs from 'node:fs';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test } from 'vitest';
import { fileOf } from './files.ts';

const execArgv = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
const PROGRAM = path.join(import.meta.dirname, 'opening-thread.ts');
const LINUX = process.platform === 'linux';

/** Descriptors of the process that are of this file. */
function openOf(name: string): number {
  return fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`) === name;
    } catch {
      return false; // that of the listing itself
    }
  }).length;
}

/** A worker that has done what it is to do, and the descriptors that it has closed. */
async function workerOf(name: string, how: string): Promise<{ worker: Worker; closed: number[] }> {
  const worker = new Worker(PROGRAM, { execArgv, workerData: { name, how } });
  const closed = await new Promise<number[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  return { worker, closed };
}

for (const how of ['open', 'unseen', 'ring closed'])
  test.runIf(LINUX)(`a thread that is terminated leaves no descriptor open: ${how}`, async () => {
    const name = fs.realpathSync(fileOf('x'));
    for (let round = 0; round < 4; round++) {
      const { worker } = await workerOf(name, how);
      expect(openOf(name)).toBeGreaterThanOrEqual(20);
      await worker.terminate();
      expect(openOf(name)).toBe(0);
    }
  });

test.runIf(LINUX)(
  'a number that a thread has closed is not closed again when it ends, whoever has it then',
  async () => {
    const name = fs.realpathSync(fileOf('x'));
    const { worker, closed } = await workerOf(name, 'closed');
    expect(closed).toHaveLength(22);
    expect(openOf(name)).toBe(0);
    const mine: number[] = [];
    onTestFinished(() => mine.forEach((fd) => fs.closeSync(fd)));
    while (!closed.every((fd) => mine.includes(fd))) mine.push(fs.openSync(name, 'r'));
    await worker.terminate();
    expect(openOf(name)).toBe(mine.length);
  },
);
