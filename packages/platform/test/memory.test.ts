/** The calls on memory, on this machine's kernel. */
import { readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it, vi } from 'vitest';
import type { Answer, MemoryAdvice } from '../src/index.ts';
import {
  adviseMemory,
  alignedRange,
  bindMemory,
  hugePages,
  interleaveMemory,
  lockMemory,
  memoryPolicy,
  migrateMemory,
  PAGE_ABSENT,
  PAGE_ZERO,
  pageBytes,
  prefaultMemory,
  preferMemory,
  releaseMemory,
  resetMemoryPolicy,
  residency,
  unlockMemory,
} from '../src/index.ts';
import { BUFFERS, freshRange, numa, valueOf } from './memory-buffers.ts';
import { fallback, native } from './native-mode.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const PAGE = pageBytes();
const BYTES = 16 * PAGE;

describe.runIf(native)('with the addon', () => {
  it.each(Object.entries(BUFFERS))('%s takes every call', (_, create) => {
    const range = valueOf(alignedRange(create(BYTES + PAGE), { minimumBytes: BYTES }));
    range.fill(7);
    expect(valueOf(residency(range)).residentPages).toBe(range.byteLength / PAGE);
    if (numa) {
      expect(valueOf(bindMemory(range, [0], { migrate: true }))).toMatchObject({ mode: 'bind', nodes: [0] });
      expect(valueOf(interleaveMemory(range, [0])).mode).toBe('interleave');
      expect(valueOf(preferMemory(range, 0)).mode).toBe('prefer');
      expect(valueOf(memoryPolicy(range))).toEqual([
        { offsetBytes: 0, lengthBytes: range.byteLength, mode: 'prefer', nodes: [0] },
      ]);
      expect(valueOf(resetMemoryPolicy(range)).mode).toBe('default');
      expect(valueOf(migrateMemory(range, 0))).toMatchObject({ node: 0, movedPages: 0 });
    } else expect(bindMemory(range, [0]).status).not.toBe('verified');
    expect(valueOf(adviseMemory(range, 'dontDump')).flags).toContain('dd');
    expect(valueOf(adviseMemory(range, 'doDump')).flags).not.toContain('dd');
    expect(valueOf(prefaultMemory(range))).toMatchObject({ newPages: 0 });
    expect(range.every((byte) => byte === 7)).toBe(true);
    expect(valueOf(lockMemory(range)).lockedBytes).toBe(range.byteLength);
    expect(releaseMemory(range)).toMatchObject({ status: 'refused', errno: 'EINVAL' });
    expect(range.every((byte) => byte === 7)).toBe(true);
    expect(valueOf(unlockMemory(range)).lockedBytes).toBe(0);
    expect(valueOf(releaseMemory(range)).releasedPages).toBe(range.byteLength / PAGE);
    expect(valueOf(residency(range))).toMatchObject({ residentPages: 0, nodes: numa ? [] : null });
    expect(range.every((byte) => byte === 0)).toBe(true);
  });

  it.runIf(numa)(
    'counts pages that were read apart from pages that were written, and tells them page by page',
    () => {
      const range = freshRange(8 * PAGE);
      const nodeOfPage = new Int16Array(8);
      range[PAGE] = 1;
      valueOf(prefaultMemory(range.subarray(3 * PAGE, 5 * PAGE), { write: false }));
      expect(valueOf(residency(range, { nodeOfPage }))).toMatchObject({
        pages: 8,
        residentPages: 1,
        zeroPages: 2,
        nodes: [{ pages: 1 }],
      });
      const there = nodeOfPage[1] ?? -1;
      expect(there).toBeGreaterThanOrEqual(0);
      expect([...nodeOfPage]).toEqual([
        PAGE_ABSENT,
        there,
        PAGE_ABSENT,
        PAGE_ZERO,
        PAGE_ZERO,
        PAGE_ABSENT,
        PAGE_ABSENT,
        PAGE_ABSENT,
      ]);
    },
  );

  it.runIf(numa)('prefaults with pages of its own, or with the shared page of zeros', () => {
    const range = freshRange(BYTES);
    expect(valueOf(prefaultMemory(range, { write: false })).newPages).toBe(16);
    expect(valueOf(residency(range))).toMatchObject({ residentPages: 0, zeroPages: 16 });
    expect(valueOf(prefaultMemory(range)).newPages).toBe(0);
    expect(valueOf(residency(range))).toMatchObject({ residentPages: 16, zeroPages: 0 });
  });

  it.each<[MemoryAdvice, string, boolean]>([
    ['random', 'rr', true],
    ['sequential', 'sr', true],
    ['normal', 'sr', false],
    ['doFork', 'dc', false],
    ['dontFork', 'dc', true],
    ['dontDump', 'dd', true],
    ['doDump', 'dd', false],
    ['wipeOnFork', 'wf', true],
    ['keepOnFork', 'wf', false],
  ])('reads back the advice %s', (advice, flag, set) => {
    const range = freshRange(BYTES);
    expect(valueOf(adviseMemory(range, advice)).flags.includes(flag)).toBe(set);
  });

  it('asks about a GiB without taking memory for it', () => {
    const bytes = 2 ** 30;
    const range = freshRange(bytes);
    range[bytes - 1] = 1;
    const before = process.memoryUsage().arrayBuffers;
    expect(valueOf(residency(range))).toMatchObject({ pages: bytes / PAGE, residentPages: 1 });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(256 * 1024);
    if (numa) expect(valueOf(bindMemory(range, [0], { migrate: true })).residentPages).toBe(1);
  });

  it.runIf(numa)('keeps what was set through garbage collection', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    for (const create of Object.values(BUFFERS)) {
      const range = valueOf(alignedRange(create(BYTES + PAGE)));
      range.fill(9);
      valueOf(interleaveMemory(range, [0]));
      valueOf(adviseMemory(range, 'dontDump'));
      for (let round = 0; round < 3; round++) collect();
      expect(valueOf(memoryPolicy(range))).toMatchObject([{ mode: 'interleave' }]);
      expect(valueOf(adviseMemory(range, 'normal')).flags).toContain('dd');
      expect(range.every((byte) => byte === 9)).toBe(true);
      valueOf(resetMemoryPolicy(range));
    }
  });

  it('keeps no file open', () => {
    const range = freshRange(BYTES);
    const all = (): void => {
      valueOf(lockMemory(range));
      releaseMemory(range);
      valueOf(unlockMemory(range));
      memoryPolicy(range);
      valueOf(adviseMemory(range, 'dontDump'));
      valueOf(residency(range));
    };
    all();
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 20; round++) all();
    expect(readdirSync('/proc/self/fd').length).toBeLessThan(before + 10);
  });

  it('counts pages of all parts of a large range', () => {
    const range = freshRange(3000 * PAGE);
    for (const page of [0, 1500, 2500, 2999]) range[page * PAGE] = 1;
    expect(valueOf(releaseMemory(range)).releasedPages).toBe(4);
  });

  it('counts huge pages that lie scattered', () => {
    const huge = 2 * 1024 * 1024;
    const blocks = 20;
    const range = freshRange(2 * blocks * huge, huge);
    const own: Uint8Array[] = [];
    for (let block = 0; block < blocks; block++)
      own.push(range.subarray(2 * block * huge, (2 * block + 1) * huge));
    if (own.some((block) => hugePages(block, 'advise').status !== 'verified')) return; // off on this machine
    for (const block of own) block[0] = 1;
    const each = own.map((block) => valueOf(residency(block)).hugeBytes ?? 0);
    expect(each).toContain(huge);
    expect(valueOf(residency(range)).hugeBytes).toBe(each.reduce((sum, bytes) => sum + bytes, 0));
    valueOf(releaseMemory(range));
  });

  it.runIf(numa)('puts the policy back where a node is missing', () => {
    const range = freshRange(BYTES);
    const half = range.subarray(0, BYTES / 2);
    valueOf(interleaveMemory(half, [0]));
    const before = memoryPolicy(range);
    const lacking = bindMemory(range, [0, 1023]);
    expect(lacking).toMatchObject({ status: 'refused', errno: null });
    expect(reasonOf(lacking)).toMatch(/says bind with node.* 0.*: node 1023 does not exist/);
    expect(memoryPolicy(range)).toEqual(before);
    expect(preferMemory(range, 1023)).toMatchObject({ status: 'refused', errno: 'EINVAL' });
    expect(memoryPolicy(range)).toEqual(before);
    expect(migrateMemory(range, 1023)).toMatchObject({ status: 'refused', errno: 'ENODEV' });
  });

  it('collapses into huge pages what is there, and says so of what is not', () => {
    const huge = 2 * 1024 * 1024;
    const range = freshRange(huge, huge);
    const empty = hugePages(range, 'collapse');
    if (empty.status === 'unsupported') {
      expect(empty.reason).toMatch(/transparent huge pages|needs Linux 6.1/);
      return;
    }
    expect(empty).toMatchObject({ status: 'refused', errno: 'EINVAL' });
    expect(reasonOf(empty)).toContain(`0 of ${huge / PAGE} pages are there`);
    range.fill(3);
    const answer = hugePages(range, 'collapse');
    // A machine may be out of free huge pages.
    if (answer.status === 'refused') expect(answer.errno).toMatch(/ENOMEM|EAGAIN|EBUSY/);
    else expect(valueOf(answer).hugeBytes).toBe(huge);
    expect(range.every((byte) => byte === 3)).toBe(true);
  });

  it('advises for and against huge pages as the kernel is set, and refuses where it is off', () => {
    const huge = 2 * 1024 * 1024;
    const range = freshRange(huge, huge);
    const answer = hugePages(range, 'advise');
    if (answer.status === 'verified') {
      range.fill(1);
      expect(valueOf(residency(range)).hugeBytes).toBe(huge);
    } else expect(answer.reason).toMatch(/transparent_hugepage|huge pages are off/);
    expect(hugePages(range, 'never')).toMatchObject({ status: 'verified', value: { mode: 'never' } });
  });
});

const CALLS: Readonly<Record<string, (range: Uint8Array) => Answer<unknown>>> = {
  bindMemory: (range) => bindMemory(range, [0]),
  interleaveMemory: (range) => interleaveMemory(range, [0]),
  preferMemory: (range) => preferMemory(range, 0),
  resetMemoryPolicy,
  memoryPolicy,
  migrateMemory: (range) => migrateMemory(range, 0),
  lockMemory,
  unlockMemory,
  hugePages: (range) => hugePages(range, 'never'),
  prefaultMemory,
  adviseMemory: (range) => adviseMemory(range, 'normal'),
  residency,
  releaseMemory,
  alignedRange,
};

it.runIf(!native).each(Object.entries(CALLS))('without the addon %s is unsupported', (_, call) => {
  const range = new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer);
  range[5] = 1;
  const answer = call(range);
  expect(answer).toMatchObject({ status: 'unsupported' });
  if (fallback) expect(reasonOf(answer)).toContain('CORELANE_NO_NATIVE=1 is set');
  expect(range[5]).toBe(1);
});

function reasonOf(answer: Answer<unknown>): string {
  return 'reason' in answer ? answer.reason : '';
}
