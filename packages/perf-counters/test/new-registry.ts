import { Arena } from '@corelane/shared-memory';
import { Registry, type RegistryOptions } from '../src/index.ts';

/** A registry of its own for a test, on the main thread. */
export function create(options: RegistryOptions = { series: 32, writers: 3, metrics: 8 }): {
  arena: Arena;
  registry: Registry;
} {
  const arena = Arena.create({ bytes: 2 << 20 });
  return { arena, registry: Registry.create(arena, options) };
}
