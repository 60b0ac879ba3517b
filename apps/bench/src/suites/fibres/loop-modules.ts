// The module of loops, as it is and with checkpoints: written to a folder of their own and imported from there, so that nothing but the checkpoints differs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transform } from '@corelane/scheduler-checkpoints';
import { entryUrl } from '../../entry-url.ts';

export type LoopModule = typeof import('./loop-work.ts');

const WORK = entryUrl('suites/fibres/loop-work');

/** TypeScript where the bench runs from source. */
const NAME: string = WORK.pathname.endsWith('.ts') ? 'loop-work.mts' : 'loop-work.mjs';

const source = (): Promise<string> => readFile(fileURLToPath(WORK), 'utf8');

async function importText(text: string): Promise<LoopModule> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-loops-'));
  try {
    const file = join(folder, NAME);
    await writeFile(file, text);
    return (await import(pathToFileURL(file).href)) as LoopModule;
  } finally {
    await rm(folder, { recursive: true });
  }
}

export const loadPlain = async (): Promise<LoopModule> => importText(await source());

/** On a thread where a runtime is there, and nobody looks in: as on a worker whose task nobody cancels, but for one look at a word in half a millisecond. */
export async function loadTransformed(): Promise<LoopModule> {
  await import('@corelane/scheduler/checkpoints');
  const { code, loops } = transform(await source(), { filename: NAME });
  if (loops === 0) throw new Error('no checkpoint was put into the loops');
  return importText(code);
}
