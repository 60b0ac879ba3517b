// Sockets in a folder of the test's own, and processes that serve there.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Arena } from '@corelane/shared-memory';
import { afterAll, beforeAll } from 'vitest';
import { Registry } from '../../src/index.ts';

const SERVING = fileURLToPath(new URL('./serving-process.ts', import.meta.url));

/** A folder for temporary files of this test file alone: what `os.tmpdir()` says, here and in children. */
export function useOwnTemporaryFolder(): { readonly path: string } {
  const before = process.env['TMPDIR'];
  const scene = { path: '' };
  beforeAll(() => {
    scene.path = mkdtempSync(join(tmpdir(), 'cl-'));
    process.env['TMPDIR'] = scene.path;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(scene.path, { recursive: true });
  });
  return scene;
}

export function newRegistry(): Registry {
  return Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 32, writers: 2, metrics: 16 });
}

/** A socket at which nobody listens any more, as one of a process that was killed. */
export async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  renameSync(path, `${path}~`);
  server.close();
  renameSync(`${path}~`, path);
}

/** A process that has counted `requests_total` to 7, serves, and says so. It ends when its standard input does. */
export async function startServing(): Promise<ChildProcess & { readonly pid: number }> {
  const flags = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, SERVING], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child as unknown as ChildProcess & { readonly pid: number };
}
