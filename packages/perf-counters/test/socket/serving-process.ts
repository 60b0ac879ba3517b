import { Arena } from '@corelane/shared-memory';
import { Registry } from '../../src/index.ts';
import { serveSnapshots } from '../../src/socket/index.ts';

process.title = 'serving-process';
const registry = Registry.create(Arena.create({ bytes: 1 << 20 }), { series: 32, writers: 2, metrics: 16 });
registry.counter({ name: 'requests_total', help: 'Requests' }).inc(7);
await serveSnapshots(registry, { minIntervalMs: 1 });
process.stdout.write('serving\n');
// The serving itself keeps no process running: its standard input does, and what comes there ends it at once.
process.stdin.on('data', () => process.exit(3));
