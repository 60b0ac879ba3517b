// From a handle to what it leads to, checked: handles come from strangers.
import {
  Arena,
  AttachError,
  NameTable,
  type NameTableHandle,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { Catalog } from './catalog.ts';
import { registryRoot } from './layout.ts';
import { MAX_SERIES, MAX_WRITERS } from './limits.ts';
import { directoryBytes, tableBytes, type WriterTable } from './writer.ts';

/** Plain data that travels through `workerData` and `postMessage`. */
export type RegistryHandle = ObjectHandle<'perf-counters/registry'>;

/** @throws AttachError */
export function openRegistry(
  handle: RegistryHandle,
  given?: Arena,
): { table: WriterTable; catalog: Catalog } {
  const arena = given ?? Arena.attach(handle?.arena);
  const { at, lengthBytes } = arena.openObject(registryRoot, handle);
  const read = (word: number): number => arena.i32[(at >> 2) + word] as number;
  const series = read(registryRoot.word.series);
  const writers = read(registryRoot.word.writers);
  check('series', series, series >= 1 && series <= MAX_SERIES, `1 to ${MAX_SERIES}`);
  check('writers', writers, writers >= 1 && writers <= MAX_WRITERS, `1 to ${MAX_WRITERS}`);
  const directory = read(registryRoot.word.directoryBytes);
  check('directoryBytes', directory, directory === directoryBytes(series), directoryBytes(series));
  check(
    'length in bytes',
    lengthBytes,
    lengthBytes === tableBytes(writers, series),
    tableBytes(writers, series),
  );
  const createdAtMs = arena.f64[(at + registryRoot.offset.createdAtMs) >> 3] as number;
  check('createdAtMs', createdAtMs, createdAtMs > 0 && createdAtMs < Infinity, 'milliseconds since 1970');
  const names = (word: number): NameTable =>
    NameTable.attach(
      arena.objectHandle<NameTableHandle['kind']>('shared-memory/name-table', read(word)),
      arena,
    );
  return {
    table: { arena, at, writers, series, createdAtMs },
    catalog: new Catalog(names(registryRoot.word.definitionsAt), names(registryRoot.word.seriesAt)),
  };
}

function check(what: string, found: number, isRight: boolean, expected: string | number): void {
  if (!isRight) throw new AttachError(registryRoot.name, what, found, expected);
}
