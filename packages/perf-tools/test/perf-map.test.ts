import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test.runIf(process.platform === 'linux')(
  'node --perf-basic-prof names the functions of workers for perf',
  () => {
    const subject = fileURLToPath(new URL('worker/perf-map-subject.ts', import.meta.url));
    const folder = mkdtempSync(join(tmpdir(), 'perf-map-'));
    const { stdout, stderr } = spawnSync(process.execPath, ['--perf-basic-prof', '--no-warnings', subject], {
      encoding: 'utf8',
      cwd: folder, // V8 leaves a log of its own where it is started
    });
    const file = `/tmp/perf-${stdout.trim()}.map`;
    try {
      expect(stderr).toBe('');
      // Address, size, name: `*` and `o*` are code of the optimising compiler, where the time was spent.
      expect(readFileSync(file, 'utf8')).toMatch(
        /^[0-9a-f]+ [0-9a-f]+ JS:o?\*hotForPerf .*perf-map-subject\.ts/m,
      );
    } finally {
      rmSync(file, { force: true });
      rmSync(folder, { recursive: true });
    }
  },
);
