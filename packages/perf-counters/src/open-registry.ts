// A new registry in an arena; and from a handle to what it leads to, checked: handles come from strangers.
import {
  Arena,
  AttachError,
  NameTable,
  type NameTableHandle,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { Catalog } from './catalog.ts';
import { ArgumentRangeError } from './errors.ts';
import { registryRoot } from './layout.ts';
import { DEFINITION_BYTES, MAX_METRICS, MAX_SERIES, MAX_WRITERS, SERIES_NAME_BYTES } from './limits.ts';
import { checkMethod, checkOptionNames } from './option-names.ts';
import type { RegistryOptions } from './registry-options.ts';
import { directoryBytes, tableBytes, type WriterTable } from './writer.ts';

/** Plain data that travels through `workerData` and `postMessage`. */
export type RegistryHandle = ObjectHandle<'perf-counters/registry'>;

interface OpenRegistry {
  readonly handle: RegistryHandle;
  readonly table: WriterTable;
  readonly catalog: Catalog;
}

/** What a disabled one has room for, and needs: nothing is ever defined in it. */
const DISABLED_SIZES = { series: 1, writers: 1, metrics: 1 };
/** Room for the tables of one; a test makes it. */
export const DISABLED_BYTES = 2 * 65536;

/** @throws ArgumentRangeError, ArenaExhaustedError */
export function createRegistry(arena: Arena, options: RegistryOptions = {}): OpenRegistry {
  checkMethod('arena', arena, 'createObject');
  checkOptionNames(options, ['series', 'writers', 'metrics', 'enabled']);
  const { enabled = true } = options;
  if (typeof enabled !== 'boolean') throw new ArgumentRangeError('enabled', enabled, 'true or false');
  const sizes = checkSizes(options);
  const { series, writers, metrics } = enabled ? sizes : DISABLED_SIZES;
  const definitions = NameTable.create(arena, { capacity: metrics, maxNameBytes: DEFINITION_BYTES });
  const names = enabled
    ? NameTable.create(arena, { capacity: series, maxNameBytes: SERIES_NAME_BYTES })
    : definitions;
  const at = arena.createObject(registryRoot, tableBytes(writers, series));
  const base = at >> 2;
  const createdAtMs = Date.now();
  arena.f64[(at + registryRoot.offset.createdAtMs) >> 3] = createdAtMs;
  arena.i32[base + registryRoot.word.enabled] = enabled ? 1 : 0;
  arena.i32[base + registryRoot.word.series] = series;
  arena.i32[base + registryRoot.word.writers] = writers;
  arena.i32[base + registryRoot.word.definitionsAt] = definitions.handle.at;
  arena.i32[base + registryRoot.word.seriesAt] = names.handle.at;
  arena.i32[base + registryRoot.word.directoryBytes] = directoryBytes(series);
  return {
    handle: arena.objectHandle<RegistryHandle['kind']>('perf-counters/registry', at),
    table: { arena, at, writers, series, createdAtMs, isEnabled: enabled },
    catalog: new Catalog(definitions, names),
  };
}

function checkSizes({
  series = 1024,
  writers = 16,
  metrics = 128,
}: RegistryOptions): Required<Omit<RegistryOptions, 'enabled'>> {
  checkRange('series', series, MAX_SERIES);
  checkRange('writers', writers, MAX_WRITERS);
  checkRange('metrics', metrics, MAX_METRICS);
  return { series, writers, metrics };
}

function checkRange(argument: string, found: number, most: number): void {
  if (!Number.isInteger(found) || found < 1 || found > most)
    throw new ArgumentRangeError(argument, found, `an integer from 1 to ${most}`);
}

/** @throws AttachError */
export function openRegistry(handle: RegistryHandle, given?: Arena): OpenRegistry {
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
  const enabled = read(registryRoot.word.enabled);
  check('enabled', enabled, enabled === 0 || enabled === 1, '0 or 1');
  const createdAtMs = arena.f64[(at + registryRoot.offset.createdAtMs) >> 3] as number;
  check('createdAtMs', createdAtMs, createdAtMs > 0 && createdAtMs < Infinity, 'milliseconds since 1970');
  const names = (word: number): NameTable =>
    NameTable.attach(
      arena.objectHandle<NameTableHandle['kind']>('shared-memory/name-table', read(word)),
      arena,
    );
  return {
    handle,
    table: { arena, at, writers, series, createdAtMs, isEnabled: enabled === 1 },
    catalog: new Catalog(names(registryRoot.word.definitionsAt), names(registryRoot.word.seriesAt)),
  };
}

function check(what: string, found: number, isRight: boolean, expected: string | number): void {
  if (!isRight) throw new AttachError(registryRoot.name, what, found, expected);
}
