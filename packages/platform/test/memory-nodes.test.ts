/** Policies, migration and residency on four nodes, on the kernel of `memory-kernel.ts`. The real one is tried in the NUMA lab. */
import { expect, it } from 'vitest';
import { migrate } from '../src/memory/migration.ts';
import { policyOf, setPolicy } from '../src/memory/policy.ts';
import { PAGE_ABSENT, PAGE_ZERO, residencyOf } from '../src/memory/residency.ts';
import { valueOf } from './memory-buffers.ts';
import { FakeKernel, PAGE } from './memory-kernel.ts';

/** Pages 0 to 3 on nodes 0 to 3, page 4 is the page of zeros, the rest absent. */
function spread(options: ConstructorParameters<typeof FakeKernel>[0] = {}): FakeKernel {
  const kernel = new FakeKernel(options);
  for (const [index, at] of [0, 1, 2, 3, -2].entries()) Object.assign(kernel.pages[index] ?? {}, { at });
  return kernel;
}

it('tells the node of each page', () => {
  const { machine, range } = spread();
  const nodeOfPage = new Int32Array(20).fill(9);
  expect(valueOf(residencyOf(machine, range, { nodeOfPage }))).toEqual({
    pageBytes: PAGE,
    pages: 16,
    residentPages: 4,
    zeroPages: 1,
    nodes: [0, 1, 2, 3].map((node) => ({ node, pages: 1 })),
    hugeBytes: 0,
    notes: [],
  });
  expect([...nodeOfPage.subarray(0, 6), nodeOfPage[16]]).toEqual([0, 1, 2, 3, PAGE_ZERO, PAGE_ABSENT, 9]);
});

it('asks about large ranges in parts', () => {
  const kernel = new FakeKernel({ pages: 10_000 });
  for (const [index, page] of kernel.pages.entries()) page.at = index % 4;
  const nodeOfPage = new Int16Array(10_000);
  expect(valueOf(residencyOf(kernel.machine, kernel.range, { nodeOfPage })).nodes).toEqual(
    [0, 1, 2, 3].map((node) => ({ node, pages: 2500 })),
  );
  expect(nodeOfPage.every((node, index) => node === index % 4)).toBe(true);
  expect(kernel.calls.filter((name) => name === 'memoryNodes')).toHaveLength(3);
});

it('falls back to counting pages where nodes are not to be had, with the reason', () => {
  const kernel = spread();
  kernel.intercept = (name) => (name === 'memoryNodes' ? -38 : undefined);
  const value = valueOf(residencyOf(kernel.machine, kernel.range, {}));
  expect(value).toMatchObject({ residentPages: 5, zeroPages: null, nodes: null });
  expect(value.notes[0]).toMatch(/move_pages.*ENOSYS: the kernel is built without NUMA/);
  expect(residencyOf(kernel.machine, kernel.range, { nodeOfPage: new Int16Array(16) }).status).toBe(
    'unsupported',
  );
});

it('moves pages only where it is asked to', () => {
  const kernel = spread();
  expect(valueOf(setPolicy(kernel.machine, kernel.range, 'bind', [2], {}))).toEqual({
    mode: 'bind',
    nodes: [2],
    residentPages: null,
  });
  expect(kernel.pages.slice(0, 4).map(({ at }) => at)).toEqual([0, 1, 2, 3]);
  const { residentPages } = valueOf(
    setPolicy(kernel.machine, kernel.range, 'bind', [2, 3], { migrate: true }),
  );
  expect(residentPages).toBe(4);
  expect(kernel.pages.slice(0, 4).map(({ at }) => at)).toEqual([2, 2, 2, 3]);
});

it('strict without migrate refuses pages elsewhere, and changes nothing', () => {
  const kernel = spread();
  const before = kernel.settings();
  expect(setPolicy(kernel.machine, kernel.range, 'interleave', [1, 2], { strict: true })).toMatchObject({
    status: 'refused',
    errno: 'EIO',
  });
  expect(kernel.settings()).toEqual(before);
  const own = kernel.part(1, 3);
  expect(valueOf(setPolicy(kernel.machine, own, 'interleave', [1, 2], { strict: true })).residentPages).toBe(
    2,
  );
  expect(valueOf(policyOf(kernel.machine, kernel.range))).toEqual([
    { offsetBytes: 0, lengthBytes: PAGE, mode: 'default', nodes: [] },
    { offsetBytes: PAGE, lengthBytes: 2 * PAGE, mode: 'interleave', nodes: [1, 2] },
    { offsetBytes: 3 * PAGE, lengthBytes: 13 * PAGE, mode: 'default', nodes: [] },
  ]);
});

it.each([
  ['mbind', (kernel: FakeKernel) => setPolicy(kernel.machine, kernel.range, 'bind', [3], { migrate: true })],
  ['move_pages', (kernel: FakeKernel) => migrate(kernel.machine, kernel.range, 3)],
])('%s asks busy pages again, and gives up on those that stay', (call, move) => {
  const busy = spread();
  Object.assign(busy.pages[1] ?? {}, { pinned: 3 });
  expect(valueOf<{ residentPages: number | null }>(move(busy)).residentPages).toBe(4);
  const pinned = spread();
  const before = pinned.settings();
  Object.assign(pinned.pages[1] ?? {}, { pinned: 1e9 });
  const answer = move(pinned);
  expect(answer).toMatchObject({ status: 'refused', errno: call === 'mbind' ? 'EIO' : 'EBUSY' });
  expect('reason' in answer ? answer.reason : '').toMatch(
    /8 rounds.*1 of 4 resident|1 of 4 resident.*8 rounds/,
  );
  expect(pinned.settings()).toEqual(before);
});

it('counts the pages that a migration moved', () => {
  const { machine, range } = spread();
  expect(valueOf(migrate(machine, range, 3))).toEqual({ node: 3, residentPages: 4, movedPages: 3 });
  expect(valueOf(migrate(machine, range, 3))).toEqual({ node: 3, residentPages: 4, movedPages: 0 });
});

it.each<[string, readonly number[], RegExp]>([
  ['that does not exist', [0, 7], /node 7 does not exist or has no memory \(.*has_memory: nodes 0-3\)/],
  ['that the cpuset forbids', [0, 3], /does not allow node 3 \(Mems_allowed_list: nodes 0-1\)/],
])('names a node %s, whether others are left or not', (_, nodes, reason) => {
  const kernel = new FakeKernel({ allowed: [0, 1] });
  const narrowed = setPolicy(kernel.machine, kernel.range, 'bind', nodes, {});
  expect(narrowed).toMatchObject({ status: 'refused', errno: null });
  expect('reason' in narrowed ? narrowed.reason : '').toMatch(reason);
  const none = setPolicy(kernel.machine, kernel.range, 'bind', nodes.slice(1), {});
  expect(none).toMatchObject({ status: 'refused', errno: 'EINVAL' });
  expect('reason' in none ? none.reason : '').toMatch(reason);
});

it.each(['preferMany', 'weightedInterleave'] as const)('%s on an older kernel is unsupported', (mode) => {
  const kernel = new FakeKernel({ release: '5.10.0' });
  kernel.intercept = (name) => (name === 'memoryBind' ? -22 : undefined);
  const answer = setPolicy(kernel.machine, kernel.range, mode, [0, 1], {});
  expect(answer).toMatchObject({ status: 'unsupported' });
  expect('reason' in answer ? answer.reason : '').toMatch(/needs Linux \d\.\d+, this is 5\.10\.0/);
});

it('a kernel without NUMA is unsupported, a filter that forbids it refused', () => {
  const kernel = new FakeKernel();
  kernel.intercept = (name) => (name === 'memoryPolicy' ? -38 : undefined);
  expect(setPolicy(kernel.machine, kernel.range, 'bind', [0], {})).toMatchObject({ status: 'unsupported' });
  kernel.intercept = (name) => (name === 'memoryPolicy' ? -1 : undefined);
  const answer = policyOf(kernel.machine, kernel.range);
  expect(answer).toMatchObject({ status: 'refused', errno: 'EPERM' });
  expect('reason' in answer ? answer.reason : '').toContain('seccomp');
});

it('shows a policy that it does not know as what it is', () => {
  const kernel = new FakeKernel();
  for (const page of kernel.pages) page.mode = 12;
  expect(valueOf(policyOf(kernel.machine, kernel.range))).toMatchObject([{ mode: 'other' }]);
});
