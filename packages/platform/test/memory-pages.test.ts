/** Locks, huge pages, prefault and release where the kernel is older, set otherwise or short of something; on the kernel of `memory-kernel.ts`. */
import { describe, expect, it } from 'vitest';
import type { Answer } from '../src/index.ts';
import { advise } from '../src/memory/advice.ts';
import { readHugeBytes } from '../src/memory/huge-bytes.ts';
import { setHugePages } from '../src/memory/huge.ts';
import { lock, unlock } from '../src/memory/lock.ts';
import { prefault } from '../src/memory/prefault.ts';
import { onRange } from '../src/memory/range.ts';
import { release } from '../src/memory/release.ts';
import type { MemoryMachine } from '../src/memory/machine.ts';
import type { NativeMemory } from '../src/memory/native-memory.ts';
import { valueOf } from './memory-buffers.ts';
import { FakeKernel, PAGE } from './memory-kernel.ts';

const THP = '/sys/kernel/mm/transparent_hugepage';

function reasonOf(answer: Answer<unknown>): string {
  return 'reason' in answer ? answer.reason : '';
}

describe('locks', () => {
  it('beyond the limit are refused, with what was asked, what is locked and the limit', () => {
    const kernel = new FakeKernel({ lockLimitBytes: 6 * PAGE });
    expect(valueOf(lock(kernel.machine, kernel.part(0, 4)))).toEqual({
      lockedBytes: 4 * PAGE,
      processLockedBytes: 4 * PAGE,
      limitBytes: 6 * PAGE,
    });
    const more = lock(kernel.machine, kernel.part(2, 8));
    expect(more).toMatchObject({ status: 'refused', errno: 'ENOMEM' });
    expect(reasonOf(more)).toContain(
      `${6 * PAGE} bytes were asked for, ${4 * PAGE} are locked already, RLIMIT_MEMLOCK is ${6 * PAGE}`,
    );
    expect(kernel.pages.map(({ flags }) => flags.has('lo')).indexOf(false)).toBe(4);
    expect(valueOf(unlock(kernel.machine, kernel.range)).processLockedBytes).toBe(0);
  });

  it('are not called verified where a page of it is absent', () => {
    const kernel = new FakeKernel();
    kernel.intercept = (name) => (name === 'memoryResidentPages' ? 15 : undefined);
    const answer = lock(kernel.machine, kernel.range);
    expect(answer).toMatchObject({ status: 'refused', errno: null });
    expect(reasonOf(answer)).toContain('15 of 16 pages are there');
    expect(kernel.pages.some(({ flags }) => flags.has('lo'))).toBe(false);
  });

  it('keep their pages from being released, and nothing else is released either', () => {
    const kernel = new FakeKernel();
    valueOf(prefault(kernel.machine, kernel.range, {}));
    valueOf(lock(kernel.machine, kernel.part(8, 10)));
    const answer = release(kernel.machine, kernel.range);
    expect(answer).toMatchObject({ status: 'refused', errno: 'EINVAL' });
    expect(reasonOf(answer)).toContain(`${2 * PAGE} bytes from offset ${8 * PAGE} of it are locked`);
    expect(kernel.pages.every(({ at }) => at === 0)).toBe(true);
  });
});

describe('prefault', () => {
  it.each([true, false])('touches page by page on a kernel before 5.14 (write: %s)', (write) => {
    const kernel = new FakeKernel();
    kernel.intercept = (name) => (name === 'memoryAdvise' ? -22 : undefined);
    expect(valueOf(prefault(kernel.machine, kernel.range, { write }))).toEqual({
      pages: 16,
      newPages: 16,
      by: 'touch',
    });
    expect(kernel.pages.every(({ at }) => at === (write ? 0 : -2))).toBe(true);
  });

  it('asks again when it is interrupted, not forever', () => {
    const kernel = new FakeKernel();
    let left = 3;
    kernel.intercept = (name) => (name === 'memoryAdvise' && left-- > 0 ? -4 : undefined);
    expect(prefault(kernel.machine, kernel.range, {}).status).toBe('verified');
    kernel.intercept = (name) => (name === 'memoryAdvise' ? -11 : undefined);
    expect(prefault(kernel.machine, kernel.range, {})).toMatchObject({ status: 'refused', errno: 'EAGAIN' });
  });

  it('says how far it came without memory', () => {
    const kernel = new FakeKernel();
    kernel.intercept = (name, firstPage) => {
      if (name !== 'memoryAdvise') return undefined;
      firstPage();
      return -12;
    };
    const answer = prefault(kernel.machine, kernel.range, {});
    expect(answer).toMatchObject({ status: 'refused', errno: 'ENOMEM' });
    expect(reasonOf(answer)).toContain('1 of 16 pages are there');
  });

  it('for writing is not verified while a page is the shared one', () => {
    const kernel = new FakeKernel();
    for (const page of kernel.pages) page.at = -2;
    kernel.intercept = (name) => (name === 'memoryAdvise' ? 0 : undefined);
    expect(reasonOf(prefault(kernel.machine, kernel.range, {}))).toContain('16 of 16 pages still share');
  });
});

describe('huge pages', () => {
  it.each<[string, Record<string, string>, string]>([
    ['set to never', { [`${THP}/enabled`]: 'always madvise [never]\n' }, 'always madvise [never]'],
    [
      'off in each size',
      { [`${THP}/hugepages-64kB/enabled`]: 'always inherit madvise [never]' },
      'sizes on: none',
    ],
    ['off for the process', { '/proc/self/status': 'VmLck: 0 kB\nTHP_enabled:\t0\n' }, 'PR_SET_THP_DISABLE'],
  ])('%s: refused, the range is left as it was', (_, files, reason) => {
    const kernel = new FakeKernel({ files });
    const answer = setHugePages(kernel.machine, kernel.range, 'advise');
    expect(answer).toMatchObject({ status: 'refused', errno: null });
    expect(reasonOf(answer)).toContain(reason);
    expect(kernel.calls).not.toContain('memoryAdvise');
  });

  it('a size that inherits counts as the whole is set', () => {
    const files = { [`${THP}/hugepages-8kB/enabled`]: 'always [inherit] madvise never' };
    const kernel = new FakeKernel({ files });
    expect(setHugePages(kernel.machine, kernel.part(0, 2), 'advise').status).toBe('verified');
    expect(() => setHugePages(kernel.machine, kernel.part(0, 1), 'advise')).toThrow(
      'no aligned block of 8192 bytes',
    );
  });

  it('need a block that fits', () => {
    const kernel = new FakeKernel();
    for (const mode of ['advise', 'collapse'] as const)
      expect(() => setHugePages(kernel.machine, kernel.part(1, 7), mode)).toThrow(
        expect.objectContaining({ code: 'ERR_MEMORY_RANGE' }) as Error,
      );
    expect(setHugePages(kernel.machine, kernel.part(1, 7), 'never').status).toBe('verified');
  });

  it('are not called advised where the kernel says that none will come', () => {
    const kernel = new FakeKernel();
    const machine: MemoryMachine = {
      ...kernel.machine,
      lines: (path) =>
        [...(kernel.machine.lines(path) ?? [])].map((line) => line.replace(/(THPeligible: +)1/, '$10')),
    };
    const answer = setHugePages(machine, kernel.range, 'advise');
    expect(answer).toMatchObject({ status: 'refused', errno: null });
    expect(reasonOf(answer)).toContain('THPeligible: 0');
  });

  it('are unsupported in a kernel without them, and collapsing before 6.1', () => {
    const without = new FakeKernel();
    const files = { ...without.machine.files, readFile: () => undefined };
    const answer = setHugePages({ ...without.machine, files }, without.range, 'advise');
    expect(answer).toMatchObject({ status: 'unsupported' });
    const old = new FakeKernel({ release: '6.0.19-generic' });
    const collapsed = setHugePages(old.machine, old.range, 'collapse');
    expect(collapsed).toMatchObject({ status: 'unsupported' });
    expect(reasonOf(collapsed)).toContain('needs Linux 6.1, this is 6.0.19-generic');
  });

  it('advice that was given and cannot be read back is told to be there', () => {
    const kernel = new FakeKernel();
    let readings = 0;
    const lines = (path: string): Iterable<string> | undefined =>
      readings++ === 0 ? kernel.machine.lines(path) : undefined;
    const answer = setHugePages({ ...kernel.machine, lines }, kernel.range, 'never');
    expect(answer).toMatchObject({ status: 'unsupported' });
    expect(reasonOf(answer)).toContain('succeeded and may be in force');
    expect(kernel.pages.every(({ flags }) => flags.has('nh'))).toBe(true);
  });

  it('collapsing is verified by its own blocks, not by huge pages that reach into the range', () => {
    const kernel = new FakeKernel();
    const isHuge = (page: number): boolean => page < 4 || (page >= 8 && page < 12);
    const native = kernel.machine.native.addon as NativeMemory;
    const addon: NativeMemory = {
      ...native,
      memoryAdvise: () => 0,
      memoryHugeBytes: (view, offset, length) => {
        const first = (view.byteOffset + offset) / PAGE;
        const pages = Array.from({ length: length / PAGE }, (_, index) => first + index);
        return pages.filter(isHuge).length * PAGE;
      },
    };
    const machine: MemoryMachine = { ...kernel.machine, native: { addon, reason: '' } };
    const answer = setHugePages(machine, kernel.part(2, 10), 'collapse');
    expect(answer).toMatchObject({ status: 'refused', errno: null });
    expect(reasonOf(answer)).toContain(`0 of ${4 * PAGE} bytes that can be are huge now`);
    expect(valueOf(setHugePages(machine, kernel.part(6, 12), 'collapse')).hugeBytes).toBe(4 * PAGE);
  });

  it('collapsing tells what it left', () => {
    const kernel = new FakeKernel();
    valueOf(prefault(kernel.machine, kernel.range, {}));
    const answer = setHugePages(kernel.machine, kernel.range, 'collapse');
    expect(answer).toMatchObject({ status: 'refused', errno: 'EAGAIN' });
    expect(reasonOf(answer)).toContain(`0 of ${16 * PAGE} bytes that can be are huge now`);
  });

  it('a scan that fails for another reason is not laid to the age of the kernel', () => {
    const kernel = new FakeKernel();
    kernel.intercept = (name) => (name === 'memoryHugeBytes' ? -24 : undefined);
    onRange({ ...kernel.machine, lines: () => undefined }, kernel.range, (range) => {
      const found = readHugeBytes({ ...kernel.machine, lines: () => undefined }, range);
      expect(found).toMatchObject({ bytes: null, reason: expect.stringContaining('EMFILE') });
      expect(found.reason).not.toContain('6.7');
      return { status: 'verified', value: found };
    });
  });

  it.each<[string, number, number, number | null]>([
    ['the mapping is the range', 16, 8, 8],
    ['nothing of a larger mapping is huge', 64, 0, 0],
    ['all of a larger mapping is huge', 64, 64, 16],
    ['some of a larger mapping is huge', 64, 8, null],
  ])('before 6.7 are counted by smaps where that leaves no choice: %s', (_, mapping, huge, expected) => {
    const kernel = new FakeKernel({ scan: false });
    const lines = [
      `${(0x7f00_0000_0000).toString(16)}-${(0x7f00_0000_0000 + mapping * PAGE).toString(16)} rw-p 00000000 00:00 0`,
      `AnonHugePages: ${huge * 4} kB`,
      'VmFlags: rd wr',
    ];
    const machine: MemoryMachine = { ...kernel.machine, lines: () => lines };
    onRange(machine, kernel.range, (range) => {
      const found = readHugeBytes(machine, range);
      expect(found.bytes).toBe(expected === null ? null : expected * PAGE);
      if (expected === null) expect(found.reason).toMatch(/ENOTTY: needs Linux 6.7.* from 0 to 32768 bytes/);
      return { status: 'verified', value: found };
    });
  });
});

describe('what cannot be read back is not done', () => {
  it.each<[string, (machine: MemoryMachine, range: Uint8Array) => Answer<unknown>]>([
    ['lock', lock],
    ['advice', (machine, range) => advise(machine, range, 'dontDump')],
    ['huge pages', (machine, range) => setHugePages(machine, range, 'advise')],
    ['release', release],
  ])('%s without /proc', (_, call) => {
    const kernel = new FakeKernel();
    for (const page of kernel.pages) page.at = 0;
    const before = kernel.settings();
    const answer = call({ ...kernel.machine, lines: () => undefined }, kernel.range);
    expect(answer).toMatchObject({ status: 'unsupported' });
    expect(reasonOf(answer)).toContain('cannot be read');
    expect(kernel.settings()).toEqual(before);
    expect(kernel.pages.every(({ at }) => at === 0)).toBe(true);
  });

  it.each<[string, (machine: MemoryMachine, range: Uint8Array) => Answer<unknown>]>([
    ['unlock', unlock],
    ['advice', (machine, range) => advise(machine, range, 'doDump')],
  ])('%s is not read from the absence of a flag where flags are not told', (_, call) => {
    const kernel = new FakeKernel();
    valueOf(lock(kernel.machine, kernel.range));
    const machine: MemoryMachine = {
      ...kernel.machine,
      lines: (path) => [...(kernel.machine.lines(path) ?? [])].filter((line) => !line.startsWith('VmFlags:')),
    };
    expect(call(machine, kernel.range)).toMatchObject({ status: 'unsupported' });
    expect(kernel.pages.every(({ flags }) => flags.has('lo'))).toBe(true);
  });

  it('advice that the kernel is built without is refused', () => {
    const kernel = new FakeKernel();
    kernel.intercept = (name) => (name === 'memoryAdvise' ? -22 : undefined);
    const answer = advise(kernel.machine, kernel.range, 'mergeable');
    expect(answer).toMatchObject({ status: 'refused', errno: 'EINVAL' });
    expect(reasonOf(answer)).toContain('built without it');
  });

  it('memory of a file is not released: its contents would come back', () => {
    const kernel = new FakeKernel();
    const machine: MemoryMachine = {
      ...kernel.machine,
      lines: (path) =>
        [...(kernel.machine.lines(path) ?? [])].map((line) => line.replace('00:00 0', 'fe:00 9')),
    };
    expect(reasonOf(release(machine, kernel.range))).toContain('whose contents would come back');
    expect(kernel.calls).not.toContain('memoryAdvise');
  });
});
