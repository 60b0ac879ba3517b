// What each thread of the cases of one metric on several threads does.
import { Registry, type RegistryHandle } from '@corelane/perf-counters';

export interface MetricWork {
  readonly kind: 'counter' | 'histogram';
  readonly handle: RegistryHandle;
  readonly name: string;
}

const help = 'measured';
const MASK = 4095;

export function createContender({ kind, handle, name }: MetricWork): (operations: number) => number {
  const registry = Registry.attach(handle);
  if (kind === 'counter') {
    const counter = registry.counter({ name, help });
    return (operations) => {
      for (let i = 0; i < operations; i++) counter.inc();
      return operations;
    };
  }
  const histogram = registry.histogram({ name, help });
  return (operations) => {
    for (let i = 0; i < operations; i++) histogram.record((i & MASK) + 1);
    return operations;
  };
}
