// Starts all sources, with intervals that would keep a process alive if they could, and ends by itself.
import { Arena } from '@corelane/shared-memory';
import { Registry } from '../../src/index.ts';
import { collectDefaults } from '../../src/sources/index.ts';

const registry = Registry.create(Arena.create({ bytes: 4 << 20 }));
const sources = collectDefaults(registry, { intervalMs: 10, slowIntervalMs: 10 });
process.on('exit', () => console.log(`ends with ${sources.capabilities().length} sources`));
