/**
 * Writes the archive that Linux unpacks as its first root file system: cpio, format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).
 * An entry is a header of 110 ASCII characters, the path with a NUL, zeros up to a multiple of 4, the contents, zeros again; the last
 * one is called TRAILER!!!. Not compressed: the guest would unpack it by emulated instructions.
 */
import { LabError } from './errors.ts';

export type ArchiveEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly contents: Uint8Array;
      readonly executable?: boolean;
    }
  | { readonly kind: 'symlink'; readonly path: string; readonly target: string }
  /** A character device: the kernel opens /dev/console before anything could mount a /dev. */
  | { readonly kind: 'device'; readonly path: string; readonly major: number; readonly minor: number };

const MAGIC = '070701';
const TRAILER = 'TRAILER!!!';
const MODE = { directory: 0o040755, file: 0o100644, program: 0o100755, symlink: 0o120777, device: 0o020600 };
const MAX_FILE_BYTES = 0xffff_ffff;

/**
 * The archive in pieces, in the order given; folders above an entry are added where nothing named them. The contents of files are passed on, not copied.
 * @param entries absolute or relative paths, which all mean below the root. A path that comes twice is a mistake.
 * @throws LabError `ERR_LAB_NOT_BUILT` for a path that is empty, leaves the root or comes twice, or a file that is too large for the format.
 */
export function* archive(entries: Iterable<ArchiveEntry>): Generator<Uint8Array> {
  const named = new Map<string, ArchiveEntry['kind']>();
  let inode = 1;
  for (const entry of entries) {
    const path = relativePath(entry.path);
    for (const folder of foldersAbove(path)) {
      const known = named.get(folder);
      if (known === 'directory') continue;
      if (known !== undefined) throw mistake(`${entry.path}: /${folder} is a ${known}, not a directory`);
      named.set(folder, 'directory');
      yield* record({ path: folder, inode: inode++, mode: MODE.directory, contents: NOTHING });
    }
    if (named.has(path)) {
      if (entry.kind === 'directory' && named.get(path) === 'directory') continue;
      throw mistake(`${entry.path} comes twice`);
    }
    named.set(path, entry.kind);
    yield* record({ path, inode: inode++, ...body(entry) });
  }
  yield* record({ path: TRAILER, inode: 0, mode: 0, contents: NOTHING });
}

interface Record {
  readonly path: string;
  readonly inode: number;
  readonly mode: number;
  readonly contents: Uint8Array;
  readonly major?: number;
  readonly minor?: number;
}

const NOTHING = new Uint8Array(0);

function body(entry: ArchiveEntry): Omit<Record, 'path' | 'inode'> {
  switch (entry.kind) {
    case 'directory':
      return { mode: MODE.directory, contents: NOTHING };
    case 'file':
      return { mode: entry.executable === true ? MODE.program : MODE.file, contents: entry.contents };
    case 'symlink':
      return { mode: MODE.symlink, contents: Buffer.from(entry.target) };
    case 'device':
      return { mode: MODE.device, contents: NOTHING, major: entry.major, minor: entry.minor };
  }
}

function* record({ path, inode, mode, contents, major = 0, minor = 0 }: Record): Generator<Uint8Array> {
  if (contents.byteLength > MAX_FILE_BYTES)
    throw mistake(`/${path} has ${contents.byteLength} bytes; the format holds ${MAX_FILE_BYTES}`);
  const name = Buffer.from(`${path}\0`);
  const links = (mode & 0o170000) === 0o040000 ? 2 : 1;
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, mode, 0, 0, links, 0, contents.byteLength, 0, 0, major, minor, name.byteLength, 0];
  const header = MAGIC + fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('');
  yield padded(Buffer.concat([Buffer.from(header, 'ascii'), name]));
  yield contents;
  const gap = padding(contents.byteLength);
  if (gap > 0) yield new Uint8Array(gap);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(padding(bytes.byteLength))]);
}

function padding(bytes: number): number {
  return (4 - (bytes % 4)) % 4;
}

function relativePath(path: string): string {
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length === 0 || parts.includes('..'))
    throw mistake(`${JSON.stringify(path)} is no path below the root`);
  return parts.join('/');
}

function* foldersAbove(path: string): Generator<string> {
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) yield path.slice(0, at);
}

function mistake(message: string): LabError {
  return new LabError('ERR_LAB_NOT_BUILT', `archive for the machine: ${message}`);
}
