/** What the machine's first root file system holds. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { NODE_CPU_NAMES } from './addon.ts';
import type { ArchiveEntry } from './archive.ts';
import type { Architecture } from './debian.ts';
import { LabError } from './errors.ts';
import { LOADERS, findLibrary } from './library-search.ts';

export interface GuestImageParts {
  readonly architecture: Architecture;
  /** Unpacked packages of the guest's architecture: busybox-static and the libraries of Node. */
  readonly tree: string;
  /** The node program for the guest. */
  readonly node: string;
  /** Root of this repository. */
  readonly repository: string;
  /** Given to the program in the machine, as JSON. */
  readonly task: unknown;
}

const NODE_LIBRARIES = [
  'libatomic.so.1',
  'libc.so.6',
  'libdl.so.2',
  'libgcc_s.so.1',
  'libm.so.6',
  'libpthread.so.0',
  'libstdc++.so.6',
];
const BUSYBOX_PROGRAMS = ['sh', 'mount', 'mkdir', 'stty', 'umount', 'cat', 'poweroff', 'readlink', 'sleep'];

/** Packages that the parts of `tree` come from. */
export const GUEST_PACKAGES = ['busybox-static', 'libatomic1', 'libc6', 'libgcc-s1', 'libstdc++6'];

/** @throws LabError `ERR_LAB_NOT_BUILT` where the package is not built. */
export function* guestImage(parts: GuestImageParts): Generator<ArchiveEntry> {
  const { architecture, tree, node, repository, task } = parts;
  for (const path of ['/proc', '/sys', '/dev', '/tmp', '/etc']) yield { kind: 'directory', path };
  yield { kind: 'device', path: '/dev/console', major: 5, minor: 1 };
  yield { kind: 'device', path: '/dev/null', major: 1, minor: 3 };
  yield { kind: 'file', path: '/etc/passwd', contents: Buffer.from('root:x:0:0::/:/bin/sh\n') };
  yield file('/bin/busybox', join(tree, 'bin/busybox'), true);
  for (const program of BUSYBOX_PROGRAMS)
    yield { kind: 'symlink', path: `/bin/${program}`, target: 'busybox' };
  yield file('/bin/node', node, true);
  const { triplet, path: loader } = LOADERS[architecture];
  yield file(loader, findLibrary(tree, architecture, loader.split('/').at(-1) ?? ''), true);
  for (const name of NODE_LIBRARIES)
    yield file(`/lib/${triplet}/${name}`, findLibrary(tree, architecture, name), true);
  yield file('/init', join(repository, 'tools/numa-lab/guest/init.sh'), true);
  yield* programs(repository);
  yield { kind: 'file', path: '/lab/task.json', contents: Buffer.from(JSON.stringify(task)) };
  yield { kind: 'file', path: '/lab/package.json', contents: Buffer.from('{ "type": "module" }') };
  yield* platformPackage(repository, NODE_CPU_NAMES[architecture]);
}

/** Where programs lie in the repository, and as such below /lab in the machine: they import each other by these paths. */
const PROGRAMS = ['tools/numa-lab/guest', 'packages/platform/test/lab'];

/**
 * The programs as JavaScript: every process and thread in the machine would have to load the code that strips types, which takes the emulator
 * seconds.
 */
function* programs(repository: string): Generator<ArchiveEntry> {
  for (const path of PROGRAMS)
    for (const entry of folder(`/lab/${path}`, join(repository, path))) {
      if (entry.kind !== 'file' || !entry.path.endsWith('.ts')) continue;
      const source = stripTypeScriptTypes(Buffer.from(entry.contents).toString());
      // The names of files in imports and elsewhere.
      const program = source.replaceAll(/\.ts(?=['`])/g, '.js');
      yield { kind: 'file', path: entry.path.replace(/\.ts$/, '.js'), contents: Buffer.from(program) };
    }
}

/** As npm would install it: the package and its optional dependency with the binary. */
function* platformPackage(repository: string, cpu: string): Generator<ArchiveEntry> {
  const from = join(repository, 'packages/platform');
  const to = '/lab/node_modules/@corelane';
  if (!existsSync(join(from, 'dist/index.js')))
    throw new LabError('ERR_LAB_NOT_BUILT', `${from}/dist is not built: npm run x -- nx build platform`);
  yield file(`${to}/platform/package.json`, join(from, 'package.json'));
  yield* folder(`${to}/platform/dist`, join(from, 'dist'));
  const binary = join(from, `npm/linux-${cpu}`);
  yield* folder(`${to}/platform-linux-${cpu}`, binary);
}

function* folder(path: string, from: string): Generator<ArchiveEntry> {
  for (const entry of readdirSync(from, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.name.endsWith('.map') || entry.name.endsWith('.d.ts')) continue;
    const at = join(entry.parentPath, entry.name);
    yield file(`${path}${at.slice(from.length)}`, at);
  }
}

function file(path: string, from: string, executable = false): ArchiveEntry {
  return { kind: 'file', path, contents: readFileSync(from), executable };
}
