// Some of the default sources, on a machine that a test makes up.
import type { Registry } from '../../src/index.ts';
import {
  collectDefaults,
  type DefaultsOptions,
  type DefaultSourceName,
  type SourceCapability,
  type Sources,
} from '../../src/sources/index.ts';
import { fakeHost, newRegistry, valueOf, type FakeHost } from './fake-host.ts';

export function start(
  sources: readonly DefaultSourceName[],
  host: FakeHost = fakeHost(),
  options: DefaultsOptions = {},
): { host: FakeHost; registry: Registry; sources: Sources; value: (name: string) => number | undefined } {
  const registry = newRegistry();
  const running = collectDefaults(registry, { intervalMs: Infinity, ...options, sources }, host);
  return { host, registry, sources: running, value: (name) => valueOf(registry, name) };
}

export function capability(sources: Sources): SourceCapability {
  return sources.capabilities()[0] as SourceCapability;
}
