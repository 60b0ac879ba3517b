/** Finds shared libraries in a tree of unpacked Debian packages. */
import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './debian.ts';
import { LabError } from './errors.ts';

interface Loader {
  /** Debian's name of the architecture in paths. */
  readonly triplet: string;
  /** Where programs look for the dynamic loader: absolute, part of the ABI. */
  readonly path: string;
}

export const LOADERS: Record<Architecture, Loader> = {
  amd64: { triplet: 'x86_64-linux-gnu', path: '/lib64/ld-linux-x86-64.so.2' },
  arm64: { triplet: 'aarch64-linux-gnu', path: '/lib/ld-linux-aarch64.so.1' },
};

/** Folders of libraries, before and after Debian moved all below /usr. */
export function libraryFolders(tree: string, architecture: Architecture): string[] {
  const { triplet } = LOADERS[architecture];
  return [join(tree, 'lib', triplet), join(tree, 'usr/lib', triplet)];
}

/** The file behind a library's name (`libc.so.6`). @throws LabError `ERR_LAB_PACKAGE` where no package of the tree has it. */
export function findLibrary(tree: string, architecture: Architecture, name: string): string {
  const folders = libraryFolders(tree, architecture);
  for (const folder of folders) if (existsSync(join(folder, name))) return realpathSync(join(folder, name));
  throw new LabError('ERR_LAB_PACKAGE', `no ${name} in ${folders.join(' nor in ')}`);
}

/** The dynamic loader itself: run as a program, it starts another with the libraries of the tree. */
export function findLoader(tree: string, architecture: Architecture): string {
  return findLibrary(tree, architecture, LOADERS[architecture].path.split('/').at(-1) ?? '');
}
