// Agreement with the hwloc of this machine, where there is one, on random machines: the same files, read by both.
// More seeds: CORELANE_HWLOC_SEEDS=1000-1200 vitest run --project platform packages/platform/test/hwloc-live.test.ts
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { memoryFileSystem, Topology } from '../src/index.ts';
import { describeFound, describeOurs } from './agreement.ts';
import type { HwlocOutput } from './hwloc-output.ts';
import { parseXml } from './hwloc-output.ts';
import type { Files } from './machine.ts';
import { range } from './machine.ts';
import { fallback } from './native-mode.ts';
import { synthesize } from './synthetic.ts';

const TOOL = 'lstopo-no-graphics';
const version = spawnSync(TOOL, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
const missing = version === '' ? ` (not checked: no ${TOOL} on the PATH; Debian has it in hwloc-nox)` : '';
const elsewhere = fallback ? ' (not checked here: it has nothing to do with the addon)' : '';

const KINDS = new Set(['PU', 'Core', 'Package', 'Die', 'NUMANode']);
const isCompared = (kind: string): boolean => KINDS.has(kind) || /^L\d[di]?Cache$/.test(kind);

const [from = 0, to = 24] = (process.env['CORELANE_HWLOC_SEEDS'] ?? '0-100').split('-').map(Number);

describe.skipIf(version === '' || fallback)(`as ${version || 'hwloc'} sees it${missing}${elsewhere}`, () => {
  const refused: number[] = [];

  test.each(range(from, to))(
    'random machine %i: the same objects with the same numbers and CPUs, in the same order',
    (seed) => {
      const { files, story } = synthesize(seed);
      const theirs = lstopo(files);
      // It gives up on some, for instance without a CPU 0; we do not, and nothing is there to compare with.
      if (theirs === null) return void refused.push(seed);
      const topology = Topology.read({ fs: memoryFileSystem(files) });
      const objects = theirs.objects.filter(({ kind }) => isCompared(kind));
      const kinds = new Set([...KINDS, ...objects.map(({ kind }) => kind), ...Object.keys(topology.counts)]);
      kinds.delete('Cluster');
      // The story is the same on both sides: it is there to be printed.
      expect({
        story,
        objects: byKind(describeOurs(topology, kinds)),
        memoryCaches: topology.counts.MemCache,
        order: topology.pus.map(({ os }) => os),
      }).toEqual({
        story,
        objects: byKind(objects.map((object) => describeFound(object))),
        memoryCaches: theirs.objects.filter(({ kind }) => kind === 'MemCache').length,
        order: theirs.order,
      });
    },
    60_000,
  );

  test('hwloc took nearly all of them', () => {
    expect(refused.length).toBeLessThan((to - from) / 4);
  });
});

/** Each kind in the order in which it was found; but nodes, which we have by number. */
function byKind(lines: readonly string[]): Record<string, readonly string[] | undefined> {
  const { NUMANode = [], ...others } = Object.groupBy(lines, (line) => line.split(' ', 1)[0] ?? '');
  return { ...others, NUMANode: NUMANode.toSorted() };
}

/** `null` where hwloc refuses. */
function lstopo(files: Files): HwlocOutput | null {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'corelane-hwloc-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    const { status, stdout } = spawnSync(TOOL, ['--no-io', '--of', 'xml', '-'], {
      encoding: 'utf8',
      env: {
        ...process.env,
        HWLOC_FSROOT: root,
        HWLOC_THISSYSTEM: '0',
        HWLOC_COMPONENTS: 'linux,stop',
        HWLOC_HIDE_ERRORS: '2',
        // As newer versions do by default, but on POWER.
        HWLOC_KEEP_NVIDIA_GPU_NUMA_NODES: '1',
      },
    });
    return status === 0 ? parseXml(stdout) : null;
  } finally {
    rmSync(root, { recursive: true });
  }
}
