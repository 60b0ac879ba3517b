// Serves at one path after the other, each at the time that it is told, and says where it does.
import { once } from 'node:events';
import { setImmediate as turnLoop } from 'node:timers/promises';
import { Arena } from '@corelane/shared-memory';
import { Registry } from '../../src/index.ts';
import { serveSnapshots } from '../../src/socket/index.ts';

const STEP_MS = 5;
const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 32, writers: 2, metrics: 16 });
process.stdout.write('ready\n');
const [line] = (await once(process.stdin, 'data')) as [Buffer];
const { paths, startMs } = JSON.parse(String(line)) as { paths: string[]; startMs: number };
const outcomes: string[] = [];
for (const [i, path] of paths.entries()) {
  while (Date.now() < startMs + i * STEP_MS) await turnLoop();
  try {
    await serveSnapshots(registry, { path });
    outcomes.push('serves');
  } catch (error) {
    outcomes.push((error as { code: string }).code);
  }
}
process.stdout.write(`${JSON.stringify(outcomes)}\n`);
process.stdin.resume(); // until it is killed
