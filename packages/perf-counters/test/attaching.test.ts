// From a handle to the registry that it leads to.
import { AttachError } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import { Registry, RegistryReader } from '../src/index.ts';
import { registryRoot } from '../src/layout.ts';
import { create } from './new-registry.ts';

describe('attaching', () => {
  test('refuses what is no handle of a registry', () => {
    const { arena, registry } = create();
    const { handle } = registry;
    for (const bad of [null, {}, { ...handle, kind: 'x' }, { ...handle, at: 128 }, { ...handle, at: -1 }])
      expect(() => Registry.attach(bad as never)).toThrow(AttachError);
    arena.i32[(handle.at >> 2) + registryRoot.word.writers] = 5;
    expect(() => RegistryReader.attach(handle)).toThrow(/length in bytes is \d+, expected \d+/);
    arena.i32[(handle.at >> 2) + registryRoot.word.writers] = 0;
    expect(() => RegistryReader.attach(handle)).toThrow('writers is 0, expected "1 to 1024"');
    arena.i32[(handle.at >> 2) + registryRoot.word.writers] = 3;
    arena.f64[(handle.at + registryRoot.offset.createdAtMs) >> 3] = NaN;
    expect(() => RegistryReader.attach(handle)).toThrow('createdAtMs is NaN');
  });

  test('takes an arena that is attached already', () => {
    const { arena, registry } = create();
    const { usedBytes } = arena;
    registry.counter({ name: 'a', help: '' }).inc();
    expect(RegistryReader.attach(registry.handle, arena).prometheusText()).toBe(registry.prometheusText());
    expect(arena.usedBytes).toBeGreaterThan(usedBytes);
  });
});
