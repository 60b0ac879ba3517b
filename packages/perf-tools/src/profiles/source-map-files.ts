// The source maps of scripts, by the comment at their end: inline, or a file. What profiles and scripts name comes from strangers: regular
// files of this machine alone are read, up to a size, and nothing is fetched.
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { FlattenMap, type SourceMapInput, type TraceMap } from '@jridgewell/trace-mapping';
import { SourceMapError } from './source-map-error.ts';

/** A script with its map. */
export interface MappedScript {
  readonly lines: readonly string[];
  readonly map: TraceMap;
}

/** Where a script is on this machine; undefined where it is no file of it: Node's own, `evalmachine`, of the web. */
export function pathOfScript(url: string): string | undefined {
  if (!url.startsWith('file:')) return isAbsolute(url) ? url : undefined;
  try {
    const parsed = new URL(url);
    return parsed.host === '' ? fileURLToPath(parsed) : undefined; // not of another machine
  } catch {
    return undefined;
  }
}

/** Reads scripts and maps, and counts what it has read. */
export class SourceMapFiles {
  readonly #mostBytes: number;
  #leftBytes: number;

  /** @param mostBytes of a file @param mostBytesInAll of all of them */
  constructor(mostBytes: number, mostBytesInAll: number) {
    this.#mostBytes = mostBytes;
    this.#leftBytes = mostBytesInAll;
  }

  /** @returns undefined where the script has no map, which is no problem @throws SourceMapError */
  scriptAt(path: string): MappedScript | undefined {
    const text = this.#read(path, 'missing-script');
    const comment = mapComment(text);
    const scriptUrl = pathToFileURL(path);
    if (comment === undefined) {
      const beside = `${path}.map`;
      if (!isFile(beside)) return undefined;
      return {
        lines: linesOf(text),
        map: mapOf(this.#read(beside, 'missing-map'), pathToFileURL(beside).href),
      };
    }
    if (comment.startsWith('data:'))
      return { lines: linesOf(text), map: mapOf(inlineMap(comment), scriptUrl.href) };
    const mapUrl = resolved(comment, scriptUrl);
    const mapPath = pathOfScript(mapUrl);
    if (mapPath === undefined)
      throw new SourceMapError('unreachable-map', `its map ${shown(mapUrl)} is no file of this machine`);
    return { lines: linesOf(text), map: mapOf(this.#read(mapPath, 'missing-map'), mapUrl) };
  }

  #read(path: string, missing: 'missing-script' | 'missing-map'): string {
    let bytes: number;
    try {
      const found = statSync(path);
      if (!found.isFile()) throw new SourceMapError(missing, `${shown(path)} is no regular file`);
      bytes = found.size;
    } catch (error) {
      if (error instanceof SourceMapError) throw error;
      throw new SourceMapError(missing, `${shown(path)}: ${(error as NodeJS.ErrnoException).code}`);
    }
    const most = Math.min(this.#mostBytes, this.#leftBytes);
    if (bytes > most)
      throw new SourceMapError('too-large', `${shown(path)} has ${bytes} bytes, expected at most ${most}`);
    this.#leftBytes -= bytes;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new SourceMapError(missing, `${shown(path)}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
}

const COMMENT = '# sourceMappingURL=';

/** The last one counts, and only what is alone on its line. */
function mapComment(text: string): string | undefined {
  for (let at = text.lastIndexOf(COMMENT); at > 0; at = text.lastIndexOf(COMMENT, at - 1)) {
    const end = text.slice(at + COMMENT.length).search(/[\r\n]/);
    const url = text.slice(at + COMMENT.length, end < 0 ? undefined : at + COMMENT.length + end).trim();
    const before = text.slice(text.lastIndexOf('\n', at) + 1, at).trim();
    if (before === '//' && url !== '' && !/[\s"'`]/.test(url)) return url;
  }
  return undefined;
}

function inlineMap(dataUrl: string): string {
  const comma = dataUrl.indexOf(',');
  if (comma < 0) throw new SourceMapError('broken-map', 'its inline map has no comma before its data');
  const data = dataUrl.slice(comma + 1);
  try {
    return /;base64$/i.test(dataUrl.slice(0, comma))
      ? Buffer.from(data, 'base64').toString('utf8')
      : decodeURIComponent(data);
  } catch (error) {
    throw new SourceMapError('broken-map', `its inline map: ${(error as Error).message}`);
  }
}

function mapOf(text: string, mapUrl: string): TraceMap {
  try {
    const value = JSON.parse(text.replace(/^\)\]\}'[^\n]*\n/, '')) as unknown;
    if (typeof value !== 'object' || value === null) throw new TypeError('no object');
    const { version, mappings, sections } = value as Record<string, unknown>;
    if (version !== 3) throw new TypeError(`version ${String(version)}, expected 3`);
    if (typeof mappings !== 'string' && !Array.isArray(sections)) throw new TypeError('no mappings');
    return new FlattenMap(value as SourceMapInput, mapUrl);
  } catch (error) {
    throw new SourceMapError('broken-map', `its map is broken: ${shown((error as Error).message)}`);
  }
}

function resolved(url: string, base: URL): string {
  try {
    return new URL(url, base).href;
  } catch {
    throw new SourceMapError('unreachable-map', `its map is at ${shown(url)}, which is no URL`);
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

function linesOf(text: string): string[] {
  return text.split(/\r\n|[\n\r\u2028\u2029]/);
}

/** Names of strangers, as much of them as says which. */
function shown(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text).slice(1, -1);
}
