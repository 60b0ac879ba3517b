import { describe, expect, test } from 'vitest';
import type { Files } from './machine.ts';
import { CPU, machine, map, NODE, nodeFiles, range, read, two } from './machine.ts';

/** The tree without what is in brackets. */
function drawn(files: Files): string[] {
  const lines = read(files).toText().split('\n');
  return lines.filter((line) => / L#|^Machine/.test(line)).map((line) => line.replace(/ \(.*/, ''));
}

/** Of each line, only those of these kinds. */
const only = (lines: readonly string[], pattern: RegExp): string[] =>
  lines.filter((line) => pattern.test(line));

describe('the text', () => {
  test('memory comes first where it is at home, and is counted from the inside out', () => {
    const far = nodeFiles(2, [], [15, 15, 10]);
    const near = `${NODE}/node2/access0/initiators`;
    const files = {
      ...two,
      ...far,
      [`${NODE}/online`]: '0-2\n',
      [`${near}/node0`]: '',
      [`${near}/node1`]: '',
    };
    expect(only(drawn(files), /Machine|Package|NUMANode/)).toEqual([
      'Machine',
      '  NUMANode L#2',
      '  Package L#0',
      '    NUMANode L#0',
      '  Package L#1',
      '    NUMANode L#1',
    ]);
  });

  test('memory that is near to nobody is in a group of its own at the end', () => {
    const files = { ...two, ...nodeFiles(2, [], [20, 20, 10]), [`${NODE}/online`]: '0-2\n' };
    expect(drawn(files).slice(-2)).toEqual(['  Group L#0', '    NUMANode L#2']);
    expect(read(files).node(2)).toMatchObject({ localCpus: [], package: null });
  });

  test('a node with CPUs of its own kind gets a group; with groups in groups, their names tell the level', () => {
    const eight = machine({ packages: 8, cores: 1, threads: 1, nodes: range(0, 8) });
    const distance = (i: number, j: number): number => {
      if (i === j) return 10;
      if (i >> 1 === j >> 1) return 12;
      return i >> 2 === j >> 2 ? 20 : 40;
    };
    for (const node of range(0, 8))
      eight[`${NODE}/node${node}/distance`] = `${range(0, 8)
        .map((other) => distance(node, other))
        .join(' ')}\n`;
    expect(only(drawn(eight), /Group/)).toEqual([
      '  Group0 L#0',
      '    Group1 L#0',
      '    Group1 L#1',
      '  Group0 L#1',
      '    Group1 L#2',
      '    Group1 L#3',
    ]);
    const half = machine({ packages: 1, cores: 4, threads: 1, nodes: [0, 1] });
    Object.assign(half, nodeFiles(0, [0, 1], [10, 20]), nodeFiles(1, [2, 3], [20, 10]));
    const cacheless = Object.fromEntries(Object.entries(half).filter(([path]) => !path.includes('/cache/')));
    expect(drawn(cacheless).slice(0, 5)).toEqual([
      'Machine',
      '  Package L#0',
      '    Group L#0',
      '      NUMANode L#0',
      '      Core L#0',
    ]);
  });

  test('a cluster is drawn where nothing else has its CPUs', () => {
    const four = machine({ packages: 1, cores: 4, threads: 1 });
    const cluster = Object.fromEntries(
      range(0, 4).map((cpu) => [`${CPU}/cpu${cpu}/topology/cluster_cpus`, map(cpu < 2 ? [0, 1] : [2, 3])]),
    );
    expect(only(drawn({ ...four, ...cluster }), /Cluster/)).toEqual([
      '      Group(Cluster) L#0',
      '      Group(Cluster) L#1',
    ]);
    const shared = Object.fromEntries(
      Object.entries({ ...four, ...cluster }).map(([path, text]) => {
        const cpu = Number(/cpu(\d+)\/cache\/index2\/shared_cpu_map$/.exec(path)?.[1] ?? -1);
        return [path, cpu < 0 ? text : map(cpu < 2 ? [0, 1] : [2, 3])];
      }),
    );
    expect(only(drawn(shared), /Cluster/)).toEqual([]);
    expect(read(shared).counts).toMatchObject({ Cluster: 2, L2Cache: 2 });
  });

  test('a cache in front of memory is drawn around it', () => {
    const cache = `${NODE}/node1/memory_side_cache/index1`;
    const lines = drawn({
      ...two,
      [`${cache}/size`]: '1073741824',
      [`${cache}/line_size`]: '64',
      [`${cache}/indexing`]: '0',
    });
    expect(only(lines, /MemCache|NUMANode/)).toEqual([
      '    NUMANode L#0',
      '    MemCache L#0',
      '      NUMANode L#1',
    ]);
    expect(
      read({
        ...two,
        [`${cache}/size`]: '1073741824',
        [`${cache}/line_size`]: '64',
        [`${cache}/indexing`]: '0',
      }).toText(),
    ).toContain('MemCache L#0 (total=4096MiB size=1024MiB linesize=64 ways=1)');
  });
});
