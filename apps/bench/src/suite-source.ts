import { pathToFileURL } from 'node:url';
import { SuiteError, UsageError, messageOf } from './errors.ts';
import { suites as builtIn } from './registry.ts';
import type { Suite, SuiteEntry } from './suite.ts';
import { validateSuite } from './validate.ts';

/** The built-in registry, or that of the module `from`: one that exports `suites` in the same shape. */
export async function loadRegistry(from: string | undefined): Promise<readonly SuiteEntry[]> {
  if (from === undefined) return builtIn;
  let loaded: { suites?: readonly SuiteEntry[] };
  try {
    loaded = (await import(pathToFileURL(from).href)) as typeof loaded;
  } catch (cause) {
    throw new UsageError(`--from ${from} could not be imported: ${messageOf(cause)}`, { cause });
  }
  if (!Array.isArray(loaded.suites)) throw new UsageError(`--from ${from} exports no array named 'suites'`);
  return loaded.suites;
}

export async function loadSuite(registry: readonly SuiteEntry[], name: string): Promise<Suite> {
  const entry = registry.find((candidate) => candidate.name === name);
  if (!entry)
    throw new UsageError(
      `no suite '${name}'; there are: ${registry.map((candidate) => candidate.name).join(', ')}`,
    );
  const suite = await entry.load();
  if (suite.name !== name)
    throw new SuiteError(`the registry's '${name}' loads a suite named '${suite.name}'`);
  validateSuite(suite);
  return suite;
}
