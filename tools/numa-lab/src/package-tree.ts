/** Unpacked Debian packages in the cache: complete or not there. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run, tail } from './command.ts';
import type { Architecture, Suite } from './debian.ts';
import { Debian } from './debian.ts';
import { LabError } from './errors.ts';

export interface PackageTreeSpec {
  /** Folder name in the cache. */
  readonly name: string;
  readonly architecture: Architecture;
  /** With all that they depend on. */
  readonly packages: readonly string[];
  /** A package that points to a kernel (`linux-image-cloud-amd64`), and from where; of that only the kernel's own files. */
  readonly kernel?: { readonly package: string; readonly from: Suite };
}

const STAMP = 'numa-lab.json';

/**
 * The folder with the unpacked files, as they would lie below `/`. Downloaded at first use, and again with `refresh` or when the spec changed.
 * Built beside and renamed, so that a run that was cut off leaves no half of it.
 * @throws LabError as `Debian` does, and `ERR_LAB_PACKAGE` for a package that can't be unpacked.
 */
export async function packageTree(
  cacheDirectory: string,
  spec: PackageTreeSpec,
  { refresh, say }: { readonly refresh: boolean; readonly say: (text: string) => void },
): Promise<string> {
  const directory = join(cacheDirectory, spec.name);
  if (!refresh && (await isComplete(directory, spec))) return directory;
  const { packages, kernel } = spec;
  const wanted = kernel === undefined ? packages : [...packages, `${kernel.package} of ${kernel.from}`];
  say(`fetching ${wanted.join(', ')} (${spec.architecture}) …`);
  const fresh = `${directory}.${process.pid}`;
  try {
    const tree = join(fresh, 'tree');
    await mkdir(tree, { recursive: true });
    const debian = await Debian.open(join(fresh, 'apt'), spec.architecture, kernel?.from ?? 'release');
    if (packages.length > 0) await debian.downloadWithDependencies(packages);
    if (kernel !== undefined) await debian.download(await debian.pointsTo(kernel.package));
    const files = await debian.downloaded();
    for (const file of files) {
      const unpacked = await run('dpkg-deb', ['-x', file, tree]);
      if (unpacked.status !== 0)
        throw new LabError('ERR_LAB_PACKAGE', `${basename(file)}: ${tail(unpacked.stderr)}`);
    }
    const stamp = { spec, packages: files.map((file) => basename(file)) };
    await writeFile(join(tree, STAMP), `${JSON.stringify(stamp, null, 2)}\n`);
    await rm(directory, { recursive: true, force: true });
    await rename(tree, directory);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
  return directory;
}

async function isComplete(directory: string, spec: PackageTreeSpec): Promise<boolean> {
  const stamp = join(directory, STAMP);
  if (!existsSync(stamp)) return false;
  const found = JSON.parse(await readFile(stamp, 'utf8')) as { spec: PackageTreeSpec };
  return JSON.stringify(found.spec) === JSON.stringify(spec);
}

/** The kernel image of a tree. @throws LabError `ERR_LAB_PACKAGE` unless there is exactly one. */
export async function kernelImage(tree: string): Promise<string> {
  const images = (await readdir(join(tree, 'boot'))).filter((name) => name.startsWith('vmlinuz-'));
  const [image] = images;
  if (image === undefined || images.length > 1)
    throw new LabError('ERR_LAB_PACKAGE', `${images.length} kernels in ${tree}/boot, expected 1`);
  return join(tree, 'boot', image);
}
