import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kernelImage, packageTree } from '../src/package-tree.ts';
import type { PackageTreeSpec } from '../src/package-tree.ts';

const SPEC: PackageTreeSpec = {
  name: 'tree',
  architecture: 'amd64',
  packages: ['one'],
  kernel: { package: 'linux-image-cloud-amd64', from: 'release' },
};
// In place of apt: `install` and `download` put a file where apt does; each call leaves a line in calls.
const APT = `#!/bin/sh
for option; do case "$option" in Dir::Cache=*) cache="\${option#Dir::Cache=}" ;; esac; done
echo "$*" >> "$CALLS"
case " $* " in
  *" install "*) test -z "$APT_FAILS" || { echo "E: Unable to locate package one" >&2; exit 100; }
    echo one > "$cache/archives/one.deb" ;;
  *" download linux-image-6.1.0-5-cloud-amd64 "*) echo kernel > ./kernel.deb ;;
  *" update "*) test -z "$UPDATE_FAILS" || { echo "E: Failed to fetch InRelease" >&2; exit 100; } ;;
  *) exit 1 ;;
esac
`;
const APT_CACHE = `#!/bin/sh
printf 'linux-image-cloud-amd64\\n  Depends: linux-image-6.1.0-5-cloud-amd64\\n'
`;
const DPKG_DEB = `#!/bin/sh
test "$1" = -x || exit 0
test -z "$DPKG_FAILS" || { echo 'dpkg-deb: error: not a Debian archive' >&2; exit 2; }
mkdir -p "$3/boot" && cp "$2" "$3/boot/vmlinuz-$(basename "$2")"
`;

let directory: string;
let cache: string;
const saved = { ...process.env };
const say = (): void => undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'numa-lab-'));
  cache = join(directory, 'cache');
  const bin = join(directory, 'bin');
  for (const folder of [cache, bin]) mkdirSync(folder);
  for (const [name, text] of Object.entries({
    'apt-get': APT,
    'apt-cache': APT_CACHE,
    'dpkg-deb': DPKG_DEB,
  })) {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  process.env['PATH'] = `${bin}:${saved['PATH']}`;
  process.env['CALLS'] = join(directory, 'calls');
});
afterEach(() => {
  for (const name of ['CALLS', 'APT_FAILS', 'UPDATE_FAILS', 'DPKG_FAILS']) delete process.env[name];
  process.env['PATH'] = saved['PATH'];
  rmSync(directory, { recursive: true });
});

const calls = (): string[] => readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n');

describe('packageTree', () => {
  it('unpacks the packages and the kernel that another points to, once', async () => {
    const tree = await packageTree(cache, SPEC, { refresh: false, say });
    expect(readdirSync(join(tree, 'boot'))).toEqual(['vmlinuz-kernel.deb', 'vmlinuz-one.deb']);
    const before = calls().length;
    expect(await packageTree(cache, SPEC, { refresh: false, say })).toBe(tree);
    expect(calls()).toHaveLength(before);
    expect(readdirSync(cache)).toEqual(['tree']);
  });

  it('fetches again when asked to, and when other packages are wanted', async () => {
    await packageTree(cache, SPEC, { refresh: false, say });
    await packageTree(cache, SPEC, { refresh: true, say });
    await packageTree(cache, { ...SPEC, packages: ['one', 'two'] }, { refresh: false, say });
    expect(calls().filter((line) => line.includes(' install '))).toHaveLength(3);
  });

  it('never touches what the host has installed', async () => {
    await packageTree(cache, SPEC, { refresh: false, say });
    for (const line of calls()) {
      expect(line).toContain(`Dir::State=${cache}`);
      expect(line).toContain(`Dir::State::status=${cache}`);
      expect(line).toContain(`Dir::Cache=${cache}`);
      if (line.includes(' install ')) expect(line).toContain('--download-only');
    }
  });

  it.each([
    [
      'APT_FAILS',
      /apt-get install could not get one \(amd64\): exit code 100\nE: Unable to locate package one/,
    ],
    [
      'UPDATE_FAILS',
      /apt-get update could not get the lists of packages \(amd64\): exit code 100\nE: Failed/,
    ],
    ['DPKG_FAILS', /one\.deb: dpkg-deb: error: not a Debian archive/],
  ])('leaves nothing behind when %s', async (variable, message) => {
    process.env[variable] = '1';
    await expect(packageTree(cache, SPEC, { refresh: false, say })).rejects.toMatchObject({
      code: 'ERR_LAB_PACKAGE',
      message: expect.stringMatching(message) as string,
    });
    expect(readdirSync(cache)).toEqual([]);
  });

  it('keeps the old tree when a refresh fails', async () => {
    const tree = await packageTree(cache, SPEC, { refresh: false, say });
    process.env['APT_FAILS'] = '1';
    await expect(packageTree(cache, SPEC, { refresh: true, say })).rejects.toThrow('one');
    expect(existsSync(join(tree, 'boot/vmlinuz-one.deb'))).toBe(true);
  });

  it('says what is needed on a host without apt', async () => {
    process.env['PATH'] = join(directory, 'nothing');
    await expect(packageTree(cache, SPEC, { refresh: false, say })).rejects.toMatchObject({
      code: 'ERR_LAB_HOST',
      message: expect.stringContaining('Debian') as string,
    });
  });
});

describe('kernelImage', () => {
  it('wants exactly one kernel', async () => {
    const tree = await packageTree(cache, SPEC, { refresh: false, say });
    await expect(kernelImage(tree)).rejects.toThrow(/2 kernels/);
    rmSync(join(tree, 'boot/vmlinuz-one.deb'));
    expect(await kernelImage(tree)).toBe(join(tree, 'boot/vmlinuz-kernel.deb'));
  });
});
