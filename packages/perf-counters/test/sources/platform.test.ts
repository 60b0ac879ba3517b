// What @corelane/platform has fits the ports, and is recorded.
import { PerfEvents, ThreadClock } from '@corelane/platform';
import { expect, test } from 'vitest';
import { collectDefaults, type HardwareEvents, type ThreadCpu } from '../../src/sources/index.ts';
import { newRegistry, valueOf, valuesOf } from './fake-host.ts';

test('the clock of a thread and the events of the processor are recorded', async () => {
  const clock = ThreadClock.open();
  const perf = PerfEvents.open({ target: 'thread' });
  if (clock.status !== 'verified' || perf.status !== 'verified') throw new Error('not on this machine');
  const threadCpu: ThreadCpu = clock.value;
  const hardwareEvents: HardwareEvents = perf.value;
  const registry = newRegistry();
  using sources = collectDefaults(registry, {
    intervalMs: Infinity,
    sources: ['threadCpu', 'hardwareEvents'],
    threadCpu,
    hardwareEvents,
  });
  const startNs = clock.value.readNs();
  for (const end = performance.now() + 20; performance.now() < end;);
  await sources.sample();
  const countedNs = (valueOf(registry, 'nodejs_thread_cpu_seconds_total') as number) * 1e9;
  expect(countedNs).toBeGreaterThanOrEqual(clock.value.readNs() - startNs - 15e6);
  const counted = valuesOf(registry.read(), 'nodejs_thread_hardware_events_total');
  const missing = sources.capabilities().flatMap((each) => each.missing);
  const told = perf.value.read();
  for (const [name, { value, reason }] of Object.entries(told)) {
    if (name === 'taskClock') continue;
    if (value === null) {
      expect(counted).not.toHaveProperty(`event=${name}`);
      expect(missing).toContainEqual({
        metric: `nodejs_thread_hardware_events_total{event="${name}"}`,
        reason,
      });
    } else expect(counted[`event=${name}`]).toBeLessThanOrEqual(value);
  }
  expect(Object.keys(counted).length).toBeGreaterThan(0);
  perf.value.close();
  await sources.sample();
  expect(sources.capabilities().map(({ status }) => status)).toEqual(['active', 'failing']);
});
