/** Kernels that will not, for real: calls that a seccomp filter refuses, or says that it did, and huge pages that are off for the process. */
import { constants } from 'node:os';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { Answer, HugePages, MemoryPolicySegment, Residency } from '../src/index.ts';
import { inChild } from './child.ts';
import { compileProgram } from './compiled.ts';
import { numa } from './memory-buffers.ts';
import { native } from './native-mode.ts';

// A busy machine takes its time.
vi.setConfig({ testTimeout: 30_000 });

const filter = native ? compileProgram('memory-filter.c') : undefined;
afterAll(() => {
  filter?.remove();
});

const RANGE = 'new Uint8Array(new WebAssembly.Memory({ initial: 64, maximum: 64, shared: true }).buffer)';

/** What `expression` on `range`, 4 MiB with a page touched, gives where `calls` answer `errno`. */
function filtered<T>(errno: number, calls: string, expression: string): Promise<T> {
  return inChild<T>(`const range = ${RANGE}; range[0] = 1; return ${expression};`, {
    wrapper: [filter?.file ?? '', String(errno), calls],
  });
}

const NUMA = 'mbind,get_mempolicy,move_pages';

describe.runIf(filter)('a filter as containers have it', () => {
  it('policies and migration are refused, pages are still counted', async () => {
    const [bound, migrated, there] = await filtered<[Answer<unknown>, Answer<unknown>, Answer<Residency>]>(
      constants.errno.EPERM,
      NUMA,
      '[platform.bindMemory(range, [0]), platform.migrateMemory(range, 0), platform.residency(range)]',
    );
    for (const answer of [bound, migrated]) {
      expect(answer).toMatchObject({ status: 'refused', errno: 'EPERM' });
      expect('reason' in answer && answer.reason).toContain('a seccomp filter forbids it');
    }
    expect(there).toMatchObject({
      status: 'verified',
      value: { residentPages: 1, nodes: null, zeroPages: null },
    });
  });

  it('are unsupported where the kernel lacks them', async () => {
    const answer = await filtered<Answer<unknown>>(
      constants.errno.ENOSYS,
      NUMA,
      'platform.preferMemory(range, 0)',
    );
    expect(answer).toMatchObject({ status: 'unsupported' });
    expect('reason' in answer && answer.reason).toContain('built without NUMA');
  });
});

describe.runIf(filter)('a call that says it was done and was not', () => {
  it.each([
    ['mbind', 'platform.bindMemory(range, [0])', 'get_mempolicy says default'],
    ['mlock', 'platform.lockMemory(range)', 'does not show all of it locked'],
    ['munlock', '(platform.lockMemory(range), platform.unlockMemory(range))', 'shows some of it locked'],
  ])('%s is not verified', async (call, expression, reason) => {
    if (call === 'mbind' && !numa) return; // a filter from outside answers first
    const answer = await filtered<Answer<unknown>>(0, call, expression);
    expect(answer).toMatchObject({ status: 'refused', errno: null });
    expect('reason' in answer && answer.reason).toContain(reason);
  });

  it.runIf(numa)('is verified where what was asked is so already', async () => {
    const answer = await filtered<Answer<unknown>>(0, 'mbind', 'platform.resetMemoryPolicy(range)');
    expect(answer.status).toBe('verified');
  });

  it.runIf(numa)('a migration that cannot be read back puts the policy back', async () => {
    const [bound, policy] = await filtered<[Answer<unknown>, Answer<readonly MemoryPolicySegment[]>]>(
      constants.errno.EPERM,
      'move_pages',
      '[platform.bindMemory(range, [0], { migrate: true }), platform.memoryPolicy(range)]',
    );
    expect(bound).toMatchObject({ status: 'refused', errno: 'EPERM' });
    expect(policy).toMatchObject({ status: 'verified', value: [{ mode: 'default' }] });
  });
});

it.runIf(filter)('huge pages that are off for the process are refused, whatever the settings', async () => {
  const [advised, collapsed] = await filtered<[Answer<HugePages>, Answer<HugePages>]>(
    0,
    'thp',
    "[platform.hugePages(range, 'advise'), (range.fill(1), platform.hugePages(range, 'collapse'))]",
  );
  if (advised.status === 'unsupported') return; // a kernel without them
  expect(advised).toMatchObject({ status: 'refused', errno: null });
  for (const answer of [advised, collapsed])
    expect('reason' in answer && answer.reason).toContain('PR_SET_THP_DISABLE');
});
