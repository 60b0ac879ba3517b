import { describe, expect, it } from 'vitest';
import type { ArchiveEntry } from '../src/archive.ts';
import { archive } from '../src/archive.ts';

interface Read {
  readonly path: string;
  readonly mode: string;
  readonly links: number;
  readonly device: string;
  readonly contents: string;
}

/** Reads the archive back as the kernel does, checking magic, alignment and the trailer. */
function read(entries: readonly ArchiveEntry[]): Read[] {
  const bytes = Buffer.concat([...archive(entries)]);
  expect(bytes.byteLength % 4).toBe(0);
  const found: Read[] = [];
  for (let at = 0; ;) {
    expect(bytes.toString('ascii', at, at + 6)).toBe('070701');
    const field = (index: number): number =>
      parseInt(bytes.toString('ascii', at + 6 + index * 8, at + 14 + index * 8), 16);
    const [mode, links, size, nameBytes] = [field(1), field(4), field(6), field(11)];
    const path = bytes.toString('utf8', at + 110, at + 110 + nameBytes - 1);
    expect(bytes[at + 110 + nameBytes - 1]).toBe(0);
    const start = Math.ceil((at + 110 + nameBytes) / 4) * 4;
    if (path === 'TRAILER!!!') {
      expect(start).toBe(bytes.byteLength);
      return found;
    }
    const device = `${field(9)}:${field(10)}`;
    const contents = bytes.toString('utf8', start, start + size);
    found.push({ path, mode: mode.toString(8), links, device, contents });
    at = Math.ceil((start + size) / 4) * 4;
  }
}

const text = (path: string, contents: string, executable?: boolean): ArchiveEntry => ({
  kind: 'file',
  path,
  contents: Buffer.from(contents),
  ...(executable === undefined ? {} : { executable }),
});

describe('archive', () => {
  it('holds files of every length modulo 4, and what comes after them', () => {
    const files = ['', 'a', 'ab', 'abc', 'abcd', 'abcde'].map((contents, i) =>
      text(`f${'x'.repeat(i)}`, contents),
    );
    expect(read(files).map(({ path, contents }) => [path, contents])).toEqual([
      ['f', ''],
      ['fx', 'a'],
      ['fxx', 'ab'],
      ['fxxx', 'abc'],
      ['fxxxx', 'abcd'],
      ['fxxxxx', 'abcde'],
    ]);
  });

  it('names folders once, before what lies in them', () => {
    const paths = read([text('/a/b/one', '1'), text('/a/two', '2'), { kind: 'directory', path: '/a/b' }]);
    expect(paths.map(({ path }) => path)).toEqual(['a', 'a/b', 'a/b/one', 'a/two']);
  });

  it('tells programs, links, folders and devices apart', () => {
    const entries = read([
      text('init', '#!', true),
      text('data', ''),
      { kind: 'symlink', path: 'sh', target: 'busybox' },
      { kind: 'directory', path: 'proc' },
      { kind: 'device', path: 'console', major: 5, minor: 1 },
    ]);
    expect(entries.map(({ mode }) => mode)).toEqual(['100755', '100644', '120777', '40755', '20600']);
    expect(entries.map(({ links }) => links)).toEqual([1, 1, 1, 2, 1]);
    expect(entries[2]?.contents).toBe('busybox');
    expect(entries[4]?.device).toBe('5:1');
  });

  it('refuses a path that comes twice, leaves the root, is empty, or lies below a file', () => {
    const code = { code: 'ERR_LAB_NOT_BUILT' };
    expect(() => read([text('a', ''), text('/a', '')])).toThrow(expect.objectContaining(code));
    expect(() => read([text('../a', '')])).toThrow(expect.objectContaining(code));
    expect(() => read([text('/', '')])).toThrow(expect.objectContaining(code));
    expect(() => read([text('a', ''), text('a/b', '')])).toThrow(/\/a is a file, not a directory/);
  });
});
