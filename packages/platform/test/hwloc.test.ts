// Agreement with hwloc on captured machines. Runs where the captures are; they are not part of this package.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { memoryFileSystem, Topology } from '../src/index.ts';
import { cacheOf, describeFound, describeOurs } from './agreement.ts';
import type { HwlocOutput } from './hwloc-output.ts';
import { drawnLines, parseConsole, parseXml, sizeOf } from './hwloc-output.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/fixtures/topology/', import.meta.url));
const machines = existsSync(FOLDER)
  ? readdirSync(FOLDER).filter((name) => existsSync(`${FOLDER}${name}/fs.json.gz`))
  : [];

/** Where we differ, and why. Anything else is a failure. */
const KNOWN: Record<string, { kinds: readonly string[]; why: string }> = {
  '20em64t-hybrid-1p6c2t+2ca4co1t.console': {
    kinds: ['Cluster'],
    why: 'the clusters of four E-cores are as their L2; hwloc merges the two levels, we count both',
  },
  '32amd64-4s2n4c-cgroup2.xml': {
    kinds: ['L1dCache', 'L1iCache'],
    why: 'filtered out of, or renamed in, this XML',
  },
  '16em64t-4s2c2t-offlines-xml.xml': { kinds: ['L1dCache'], why: 'filtered out of, or renamed in, this XML' },
};
/** Not kinds of ours: hwloc groups nodes by distance, or gives each of them a group. */
const NOT_COMPARED = new Set(['Machine', 'Group', 'Group0', 'Group1', 'OSDev', 'MemCache']);

const unchecked = machines.length === 0 ? ` (not checked: no captured machines in ${FOLDER})` : '';

describe.skipIf(machines.length === 0)(`as hwloc sees it${unchecked}`, () => {
  test('every captured machine comes with what hwloc printed', () => {
    for (const name of machines)
      expect(readdirSync(`${FOLDER}${name}`).filter((file) => /\.(console|xml)$/.test(file))).not.toEqual([]);
  });

  describe.each(machines)('%s', (name) => {
    const captured = JSON.parse(gunzipSync(readFileSync(`${FOLDER}${name}/fs.json.gz`)).toString()) as {
      files: Record<string, string>;
      links: Record<string, string>;
    };
    const topology = Topology.read({ fs: memoryFileSystem(captured.files, captured.links) });
    const outputs = readdirSync(`${FOLDER}${name}`).filter((file) => /\.(console|xml)$/.test(file));

    test.each(outputs)('%s: the same objects with the same CPUs, sizes and numbers', (file) => {
      const expected = load(name, file);
      const skipped = new Set([...NOT_COMPARED, ...(KNOWN[file]?.kinds ?? [])]);
      const compared = expected.objects.filter(({ kind }) => !skipped.has(kind));
      const wanted = compared.map((object) => describeFound(object));
      const ours = describeOurs(topology, new Set(compared.map(({ kind }) => kind)));
      expect(ours.toSorted()).toEqual(wanted.toSorted());
      const counted = Object.entries(topology.counts).filter(
        ([kind, count]) => !skipped.has(kind) && count !== 0,
      );
      expect(Object.fromEntries(counted)).toEqual(
        Object.fromEntries(
          Object.entries(Object.groupBy(compared, ({ kind }) => kind)).map(([kind, all]) => [
            kind,
            all?.length,
          ]),
        ),
      );
      expect(topology.counts.MemCache).toBe(
        expected.objects.filter(({ kind }) => kind === 'MemCache').length,
      );
    });

    test.each(outputs)('%s: PUs in the same order', (file) => {
      expect(topology.pus.map(({ os }) => os)).toEqual(load(name, file).order);
    });

    test.each(outputs)('%s: caches and memory of the same size', (file) => {
      for (const object of load(name, file).objects) {
        if (!/^L\d[di]?Cache$|^NUMANode$/.test(object.kind)) continue;
        const ours = object.kind === 'NUMANode' ? topology.node(object.os ?? -1) : cacheOf(topology, object);
        if (ours === undefined) {
          expect(KNOWN[file]?.kinds).toContain(object.kind);
          continue;
        }
        const size = sizeOf(object, 'size', 'local', 'cache_size', 'local_memory');
        const bytes = 'memoryBytes' in ours ? ours.memoryBytes : ours.sizeBytes;
        if (size === null) expect(bytes).toBeNull();
        else expect(Math.abs((bytes ?? 0) - size.bytes)).toBeLessThanOrEqual(size.unit);
        if ('lineBytes' in ours) {
          const {
            linesize,
            cache_linesize: line = linesize,
            ways,
            cache_associativity: associativity = ways,
          } = object.attributes;
          expect(ours.lineBytes).toBe(Number(line));
          expect(ours.ways ?? 0).toBe(Number(associativity ?? 0));
        }
      }
    });

    test.each(outputs.filter((file) => load(name, file).distances !== null))(
      '%s: the same distances',
      (file) => {
        const { nodes, rows } = load(name, file).distances ?? { nodes: [], rows: [] };
        const position = topology.nodes.map(({ os }) => nodes.indexOf(os));
        const reordered = position.map((row) => position.map((column) => rows[row]?.[column]));
        expect(topology.nodes.map(({ distances }) => distances)).toEqual(reordered);
      },
    );

    test.each(outputs.filter((file) => load(name, file).kinds.length > 0))(
      '%s: the same core kinds',
      (file) => {
        expect(topology.kinds.map(({ cpus }) => cpus)).toEqual(load(name, file).kinds);
      },
    );

    test.each(outputs.filter((file) => file.endsWith('.console')))('%s: drawn line for line', (file) => {
      expect(drawnLines(topology.toText())).toEqual(
        drawnLines(readFileSync(`${FOLDER}${name}/${file}`, 'utf8')),
      );
    });
  });
});

function load(name: string, file: string): HwlocOutput {
  const text = readFileSync(`${FOLDER}${name}/${file}`, 'utf8');
  return file.endsWith('.xml') ? parseXml(text) : parseConsole(text);
}
