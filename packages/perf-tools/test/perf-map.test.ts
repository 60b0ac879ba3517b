import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test.runIf(process.platform === 'linux')(
  'node --perf-basic-prof names the functions of workers for perf',
  () => {
    const subject = fileURLToPath(new URL('worker/perf-map-subject.ts', import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, ['--perf-basic-prof', '--no-warnings', subject], {
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    const file = `/tmp/perf-${stdout.trim()}.map`;
    try {
      // Address, size, name: `*` and `o*` are code of the optimising compiler, where the time was spent.
      expect(readFileSync(file, 'utf8')).toMatch(
        /^[0-9a-f]+ [0-9a-f]+ JS:o?\*hotForPerf .*perf-map-subject\.ts/m,
      );
    } finally {
      rmSync(file, { force: true });
    }
  },
);
