import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeWorkFolder, removeLeftovers } from '../src/work-folder.ts';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'numa-lab-'));
});
afterEach(() => rmSync(cache, { recursive: true }));

describe('removeLeftovers', () => {
  it('removes what ended processes left, and neither what is in use nor what is kept', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '0']);
    const mine = await makeWorkFolder(cache, 'holes', false);
    const kept = await makeWorkFolder(cache, 'holes', true);
    mkdirSync(join(cache, 'run', `${pid}-numa4-abcdef`));
    await removeLeftovers(cache);
    expect(readdirSync(join(cache, 'run'))).toEqual([basename(mine)]);
    expect(readdirSync(join(cache, 'kept'))).toEqual([basename(kept)]);
  });

  it('has nothing to do at first', async () => {
    await removeLeftovers(join(cache, 'nothing'));
    expect(readdirSync(cache)).toEqual([]);
  });
});
