/** Refusals for real: a process without privileges and with little memory to lock. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import type { Answer } from '../src/index.ts';
import { numa } from './memory-buffers.ts';
import { native } from './native-mode.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

interface Child {
  readonly uid: number;
  readonly locked: Answer<{ readonly lockedBytes: number }>;
  readonly beyond: Answer<unknown>;
  readonly after: Answer<{ readonly processLockedBytes: number }>;
  readonly bound: Answer<unknown>;
  readonly advised: Answer<unknown>;
}

const INDEX = new URL('../src/index.ts', import.meta.url).href;
/** Runs in the child, which gives up being root once everything is loaded. */
const PROGRAM = `
const { lockMemory, unlockMemory, bindMemory, adviseMemory, pageBytes } = await import(${JSON.stringify(INDEX)});
pageBytes(); // loads the addon
if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
const range = new Uint8Array(new WebAssembly.Memory({ initial: 4, maximum: 4, shared: true }).buffer);
const small = range.subarray(0, 65536);
const locked = lockMemory(small);
const beyond = lockMemory(range);
const after = lockMemory(small);
const bound = bindMemory(range, [0], { migrate: true });
const advised = adviseMemory(range, 'dontDump');
unlockMemory(range);
console.log(JSON.stringify({ uid: process.getuid(), locked, beyond, after, bound, advised }));
`;

function childWith(limitKiB: number): Child {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const out = execFileSync(
    'sh',
    [
      '-c',
      `ulimit -l ${limitKiB} && exec "$0" --conditions=@corelane/source --input-type=module -e "$1"`,
      process.execPath,
      PROGRAM,
    ],
    { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8', env },
  );
  return JSON.parse(out) as Child;
}

it.runIf(native)(
  'locking beyond RLIMIT_MEMLOCK is refused with the numbers, and keeps what is locked',
  () => {
    const { uid, locked, beyond, after, bound, advised } = childWith(128);
    expect(uid).not.toBe(0);
    expect(locked).toMatchObject({
      status: 'verified',
      value: { lockedBytes: 65_536, processLockedBytes: 65_536, limitBytes: 131_072 },
    });
    expect(beyond).toMatchObject({ status: 'refused', errno: 'ENOMEM' });
    expect('reason' in beyond && beyond.reason).toMatch(
      /mlock\(262144 bytes\) answered ENOMEM: 262144 bytes were asked for, 65536 are locked already, RLIMIT_MEMLOCK is 131072 \(hard 131072\); needs CAP_IPC_LOCK, or a limit of 327680/,
    );
    expect(after).toMatchObject({ status: 'verified', value: { processLockedBytes: 65_536 } });
    // None of these needs a privilege.
    expect(bound).toMatchObject(numa ? { status: 'verified' } : { status: 'refused', errno: 'EPERM' });
    expect(advised).toMatchObject({ status: 'verified' });
  },
);

it.runIf(native)('a process that may lock nothing is told so by another error', () => {
  const { beyond } = childWith(0);
  expect(beyond).toMatchObject({ status: 'refused', errno: 'EPERM' });
  expect('reason' in beyond && beyond.reason).toContain('RLIMIT_MEMLOCK is 0 (hard 0)');
});
