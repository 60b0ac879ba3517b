// The files that threads and processes start from lie beside this one: as .ts in src, as .js in dist (tsup.config.ts lists them).
const fromSource = import.meta.url.endsWith('.ts');

export type EntryName = 'http-worker' | 'check-task' | 'load-process' | 'upstream-process';

export function entryUrl(name: EntryName): URL {
  return new URL(`./${name}.${fromSource ? 'ts' : 'js'}`, import.meta.url);
}

/** Flags for the Node that runs an entry: from source it must resolve the packages to theirs. */
export function entryExecArgv(): string[] {
  return fromSource ? ['--conditions=@corelane/source'] : [];
}
