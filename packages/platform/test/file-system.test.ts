import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { MAX_FILE_BYTES } from '../src/machine/file-system.ts';
import { memoryFileSystem, nodeFileSystem } from '../src/index.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true });
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'corelane-fs-'));
  made.push(path);
  mkdirSync(join(path, 'root/sys'), { recursive: true });
  return path;
}

describe('memoryFileSystem', () => {
  test('paths mean the same with and without the leading slash', () => {
    const fs = memoryFileSystem({ 'sys/a/b': '1', '/sys/a/c': '2' });
    expect(fs.readFile('/sys/a/b')).toBe('1');
    expect(fs.readDir('/sys/a')?.toSorted()).toEqual(['b', 'c']);
    expect(fs.readDir('/')).toEqual(['sys']);
  });

  test('what is not there, or of another kind, is undefined', () => {
    const fs = memoryFileSystem({ '/sys/a/b': '1' });
    expect([fs.readFile('/sys/a'), fs.readFile('/sys/x'), fs.readDir('/sys/a/b'), fs.readDir('/x')]).toEqual(
      Array.from({ length: 4 }),
    );
  });

  test('links are entries of their directory and are followed, relative, absolute and in the middle of a path', () => {
    const fs = memoryFileSystem(
      { '/a/b/c': 'x' },
      { '/l/rel': '../a/b', '/l/abs': '/a', '/l/two': 'abs/b/c' },
    );
    expect(fs.readDir('/l')?.toSorted()).toEqual(['abs', 'rel', 'two']);
    expect(fs.readFile('/l/rel/c')).toBe('x');
    expect(fs.readFile('/l/two')).toBe('x');
    expect(fs.readDir('/l/abs')).toEqual(['b']);
  });

  test('a circle of links ends', () => {
    const fs = memoryFileSystem({}, { '/a': 'b', '/b': 'a' });
    expect(fs.readFile('/a')).toBeUndefined();
    expect(fs.readDir('/a/x')).toBeUndefined();
  });
});

describe('nodeFileSystem', () => {
  test('reads below its root, and dots in a path do not lead out of it', () => {
    const path = directory();
    writeFileSync(join(path, 'secret'), 'no');
    writeFileSync(join(path, 'root/sys/a'), 'yes');
    const fs = nodeFileSystem(join(path, 'root'));
    expect(fs.readFile('/sys/a')).toBe('yes');
    expect(fs.readDir('/')).toEqual(['sys']);
    expect(fs.readFile('/../secret')).toBeUndefined();
    expect(fs.readFile('/sys')).toBeUndefined();
  });

  test('links that lead out of the root lead nowhere', () => {
    const path = directory();
    writeFileSync(join(path, 'secret'), 'no');
    writeFileSync(join(path, 'root/sys/a'), 'yes');
    symlinkSync('../../secret', join(path, 'root/sys/out'));
    symlinkSync('a', join(path, 'root/sys/in'));
    const fs = nodeFileSystem(join(path, 'root'));
    expect(fs.readFile('/sys/out')).toBeUndefined();
    expect(fs.readFile('/sys/in')).toBe('yes');
  });

  test.skipIf(process.platform === 'win32')('a named pipe neither hangs nor reads', () => {
    const path = directory();
    execFileSync('/usr/bin/mkfifo', [join(path, 'root/sys/pipe')]);
    expect(nodeFileSystem(join(path, 'root')).readFile('/sys/pipe')).toBeUndefined();
  });

  test('a file above the limit is not read', () => {
    const path = directory();
    writeFileSync(join(path, 'root/sys/full'), Buffer.alloc(MAX_FILE_BYTES, 'x'));
    writeFileSync(join(path, 'root/sys/over'), Buffer.alloc(MAX_FILE_BYTES + 1, 'x'));
    const fs = nodeFileSystem(join(path, 'root'));
    expect(fs.readFile('/sys/full')).toHaveLength(MAX_FILE_BYTES);
    expect(fs.readFile('/sys/over')).toBeUndefined();
  });
});
