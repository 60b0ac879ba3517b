import { describe, expect, test } from 'vitest';
import { Topology } from '../src/index.ts';
import { machine, range, read, two } from './machine.ts';

describe('a machine whose files agree', () => {
  const topology = read(two);

  test('has every object once, counted by the names of hwloc', () => {
    expect(topology.counts).toEqual({
      Machine: 1,
      Package: 2,
      Die: 0,
      Cluster: 0,
      Core: 4,
      PU: 8,
      NUMANode: 2,
      MemCache: 0,
      L1dCache: 4,
      L1iCache: 4,
      L2Cache: 4,
      L3Cache: 2,
    });
    expect(topology.notes).toEqual([]);
    expect(topology.source).toBe('sysfs');
  });

  test('each PU knows its core, package, node and caches, the nearest first', () => {
    const pu = topology.pu(5);
    expect(pu).toMatchObject({ os: 5, core: 2, package: 1, node: 1, die: null, cluster: null, kind: 0 });
    const caches = pu?.caches.map((index) => topology.caches[index]);
    expect(caches?.map((cache) => `${cache?.level}${cache?.type}:${cache?.cpus.join('-')}`)).toEqual([
      '1data:4-5',
      '1instruction:4-5',
      '2unified:4-5',
      '3unified:4-5-6-7',
    ]);
    expect(caches?.at(-1)).toMatchObject({
      sizeBytes: 16 * 1024 * 1024,
      lineBytes: 64,
      ways: 4096,
      package: 1,
    });
    expect(topology.nodeOfCpu(5)).toBe(1);
    expect(topology.nodeOfCpu(8)).toBeNull();
  });

  test('indices lead back: what holds a CPU is what the CPU names', () => {
    for (const pu of topology.pus) {
      expect(topology.cores[pu.core ?? -1]?.cpus).toContain(pu.os);
      expect(topology.packages[pu.package ?? -1]?.cpus).toContain(pu.os);
      expect(topology.node(pu.node ?? -1)?.cpus).toContain(pu.os);
    }
    for (const list of [topology.cores, topology.packages, topology.caches, topology.kinds])
      expect(list.map(({ index }) => index)).toEqual(range(0, list.length));
  });

  test('nodes have memory, CPUs and distances to each other', () => {
    expect(topology.nodes).toMatchObject([
      {
        os: 0,
        cpus: [0, 1, 2, 3],
        distances: [10, 20],
        memoryBytes: 4 * 1024 ** 3,
        memoryOnly: false,
        package: 0,
      },
      { os: 1, cpus: [4, 5, 6, 7], distances: [20, 10], package: 1, synthetic: false },
    ]);
    expect(topology.packages.map(({ nodes }) => nodes)).toEqual([[0], [1]]);
  });

  test('is frozen to the bottom', () => {
    expect(Object.isFrozen(topology)).toBe(true);
    expect(() => (topology.pus as unknown[]).push(1)).toThrow(TypeError);
    expect(() => (topology.caches.at(-1)?.cpus as unknown[] | undefined)?.push(9)).toThrow(TypeError);
  });

  test('survives JSON and threads, drawing included', () => {
    const text = topology.toText();
    const again = Topology.from(JSON.parse(JSON.stringify(topology)));
    expect(again.toJSON()).toEqual(topology.toJSON());
    expect(again.toText()).toBe(text);
    expect(again.nodeOfCpu(7)).toBe(1);
    expect(Topology.from(structuredClone(topology.toJSON())).toText()).toBe(text);
  });

  test('is drawn as lstopo draws it', () => {
    const small = read(machine({ packages: 1, cores: 1, threads: 2 }));
    expect(small.toText().split('\n')).toEqual([
      'Machine (P#0 total=4096MiB)',
      '  Package L#0 (P#0 total=4096MiB CPUModel="Synthetic")',
      '    NUMANode L#0 (P#0 local=4096MiB total=4096MiB)',
      '    L3Cache L#0 (size=16MiB linesize=64 ways=4096)',
      '      L2Cache L#0 (size=512KiB linesize=64 ways=128)',
      '        L1dCache L#0 (size=32KiB linesize=64 ways=8)',
      '          L1iCache L#0 (size=32KiB linesize=64 ways=8)',
      '            Core L#0 (P#0)',
      '              PU L#0 (P#0)',
      '              PU L#1 (P#1)',
    ]);
  });
});
