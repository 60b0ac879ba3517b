/** io_uring forbidden for real, by a seccomp filter: everything runs on node:fs, and says why. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import fs from 'node:fs';
import os from 'node:os';
import { runProgram } from './child.ts';
import { native } from './native-mode.ts';

const WORK = `
  const ring = IoRing.open();
  const batch = IoBatch.open();
  const file = await IoFile.open(ring, process.execPath);
  const memory = shared(64);
  const bytes = await file.read(memory.subarray(0, 32), { position: 0 });
  batch.read(file.fd, memory.subarray(32), 0);
  const succeeded = batch.run();
  const { sizeBytes } = await file.stat();
  const same = Buffer.from(memory.subarray(0, 32)).equals(memory.subarray(32));
  const { code } = await IoFile.open(ring, '/missing').catch((error) => error);
  await file.close();
  await ring.close();
  const real = sizeBytes === fs.statSync(process.execPath).size;
  console.log(JSON.stringify({ ring: ring.backend, batch: batch.backend, bytes, succeeded, same, real, code }));
  batch.close();`;

describe.runIf(native)('where a filter refuses', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'io-ring-seccomp-'));
  const program = path.join(folder, 'io-uring-seccomp');
  let compiled = false;
  beforeAll(() => {
    const source = path.join(import.meta.dirname, 'io-uring-seccomp.c');
    const { status } = spawnSync(process.env['CC'] ?? 'cc', [
      '-Wall',
      '-Wextra',
      '-Werror',
      '-o',
      program,
      source,
    ]);
    compiled = status === 0 && spawnSync(program, ['all', '1', 'true']).status === 0;
  });
  afterAll(() => fs.rmSync(folder, { recursive: true }));

  for (const [what, errno, reason] of [
    ['setup', 1, 'io_uring_setup answered EPERM: forbidden, by kernel.io_uring_disabled or a seccomp filter'],
    ['all', 1, 'io_uring_setup answered EPERM: forbidden, by kernel.io_uring_disabled or a seccomp filter'],
    [
      'all',
      38,
      'io_uring_setup answered ENOSYS: this kernel has no io_uring that will do (6.0 or later needed)',
    ],
    ['setup', 12, 'io_uring_setup answered ENOMEM: the ring does not fit under RLIMIT_MEMLOCK'],
    // Without it nothing can be cancelled. (Without io_uring_enter libuv itself ends the process.)
    [
      'register',
      1,
      'io_uring_register answered EPERM: forbidden, by kernel.io_uring_disabled or a seccomp filter',
    ],
  ] as const)
    test(`${what} with errno ${errno}, rings and batches run on node:fs`, ({ skip }) => {
      if (!compiled) skip('no C compiler, or no seccomp filters, here');
      expect(runProgram(WORK, [program, what, String(errno)])).toEqual({
        ring: { kind: 'fs', reason },
        batch: { kind: 'fs', reason },
        bytes: 32,
        succeeded: 1,
        same: true,
        real: true,
        code: 'ENOENT',
      });
    });
});
