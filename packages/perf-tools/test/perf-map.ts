// Tries `perf` on a worker: prints how much of its time went to which functions. `npm run perf-map`; needs Linux's perf(1) and the right to use it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const subject = fileURLToPath(new URL('worker/perf-map-subject.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'perf-tools-'));
const data = join(folder, 'perf.data');
try {
  const node = [process.execPath, '--perf-basic-prof', '--no-warnings', subject, '1000'];
  const record = run('perf', ['record', '-q', '-F', '999', '-g', '-o', data, ...node]);
  const pid = record.trim();
  const report = run('perf', ['report', '-i', data, '--stdio', '--no-children', '-g', 'none']);
  rmSync(`/tmp/perf-${pid}.map`, { force: true });
  const lines = report.split('\n').filter((line) => /^\s+[\d.]+%/.test(line));
  console.log(lines.slice(0, 8).join('\n'));
  if (!lines.some((line) => line.includes('hotForPerf'))) throw new Error('hotForPerf is not among them');
} catch (error) {
  console.log((error as Error).message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', cwd: folder });
  if (error !== undefined) throw new Error(`${command} is not on this machine: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ${args[0]} exited with ${status}: ${stderr.trim()}`);
  return stdout;
}
