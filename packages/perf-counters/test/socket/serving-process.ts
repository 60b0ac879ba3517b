import { Arena } from '@corelane/shared-memory';
import { Registry } from '../../src/index.ts';
import { serveSnapshots } from '../../src/socket/index.ts';

process.title = 'serving-process';
const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 32, writers: 2, metrics: 16 });
registry.counter({ name: 'requests_total', help: 'Requests' }).inc(7);
const server = await serveSnapshots(registry, { minIntervalMs: 1 });
process.stdout.write('serving\n');
// The serving itself keeps no process running: its standard input does, and tells it how to end.
process.stdin.on('data', (command) => void end(String(command).trim()));

async function end(command: string): Promise<void> {
  if (command === 'exit') process.exit(3);
  process.stdin.destroy();
  await server.close();
  process.exitCode = 4;
}
