/** Reads single values out of /sys and /proc, and keeps notes of what could not be read. */
import type { CpuSet } from './cpu-set.ts';
import { parseCpuList, parseCpuMap } from './cpu-set.ts';
import { PlatformError } from '../errors.ts';
import type { FileSystem } from './file-system.ts';

const MAX_NOTES = 100;

export class Sysfs {
  readonly notes: string[] = [];
  readonly #fs: FileSystem;
  /** Hundreds of files hold the same few masks. */
  readonly #sets = new Map<string, CpuSet | undefined>();
  #dropped = 0;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  note(text: string): void {
    if (this.notes.length < MAX_NOTES) this.notes.push(text);
    else this.notes[MAX_NOTES] = `${++this.#dropped} further notes left out`;
  }

  exists(directory: string): boolean {
    return this.#fs.readDir(directory) !== undefined;
  }

  names(directory: string): readonly string[] {
    return this.#fs.readDir(directory) ?? [];
  }

  /** Numbers N of the entries `<prefix>N` of a directory, ascending. */
  numbered(directory: string, prefix: string, limit: number): number[] {
    const numbers: number[] = [];
    for (const name of this.names(directory)) {
      if (!name.startsWith(prefix) || !/^(0|[1-9][0-9]{0,8})$/.test(name.slice(prefix.length))) continue;
      const value = Number(name.slice(prefix.length));
      if (value < limit) numbers.push(value);
      else this.note(`${directory}/${name} ignored: not below the limit of ${limit}`);
    }
    return numbers.toSorted((a, b) => a - b);
  }

  /** Trimmed, without the NULs of old kernels; `undefined` for a missing or empty file. */
  text(path: string): string | undefined {
    const text = this.#fs.readFile(path)?.replaceAll('\0', '').trim();
    return text === '' ? undefined : text;
  }

  /** A file as it is. */
  raw(path: string): string | undefined {
    return this.#fs.readFile(path);
  }

  /** A whole number, with its sign, that a double holds exactly; a note for anything else. */
  integer(path: string): number | undefined {
    const text = this.text(path);
    if (text === undefined) return undefined;
    const value = /^[+-]?[0-9]{1,20}$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value)) return value;
    this.note(`${path} ignored: ${JSON.stringify(text.slice(0, 40))} is no whole number`);
    return undefined;
  }

  natural(path: string): number | undefined {
    const value = this.integer(path);
    return value === undefined || value < 0 ? undefined : value;
  }

  list(path: string): CpuSet | undefined {
    return this.#set(path, 'list', parseCpuList);
  }

  map(path: string): CpuSet | undefined {
    return this.#set(path, 'map', parseCpuMap);
  }

  /** The first of these that can be read: a name ending in `list` is a list, any other a map. */
  set(directory: string, ...names: string[]): CpuSet | undefined {
    for (const name of names) {
      const path = `${directory}/${name}`;
      const found = name.endsWith('list') ? this.list(path) : this.map(path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #set(path: string, form: 'list' | 'map', parse: (text: string) => CpuSet): CpuSet | undefined {
    const text = this.#fs.readFile(path);
    // An empty list is the empty set; an empty map is a file that could not be captured.
    if (text === undefined || (form === 'map' && text.trim() === '')) return undefined;
    const key = `${form}:${text}`;
    if (this.#sets.has(key)) return this.#sets.get(key);
    let set: CpuSet | undefined;
    try {
      set = parse(text);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.note(`${path} ignored: ${error.message}`);
    }
    this.#sets.set(key, set);
    return set;
  }
}
