/**
 * The module that runs as the entry `name` of a process or thread: `dist/name.js`, or `src/name.ts` where the bench runs from
 * source. This file is shared by several entries, so it is bundled into the root of `dist`, as it lies in the root of `src`.
 */
export function entryUrl(name: string): URL {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new URL(`./${name}.${extension}`, import.meta.url);
}
