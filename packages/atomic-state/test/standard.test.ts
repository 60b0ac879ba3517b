// The behaviour suites again, on the standard twin: what an endpoint does is the same.
import { describe } from 'vitest';
import { choose } from './implementation.ts';

choose('standard');

describe('standard', { timeout: 60_000 }, async () => {
  await import('./state-machine.test.ts');
  await import('./breaker.property.test.ts');
  await import('./state-machine.stress.test.ts');
  await import('./allocation.test.ts');
  await import('./event-buffer.test.ts');
  await import('./event-inspection.test.ts');
  await import('./event-roles.test.ts');
  await import('./event-buffer.property.test.ts');
  await import('./event-buffer.stress.test.ts');
  await import('./limits.test.ts');
  await import('./by-hand.test.ts');
  await import('./strangers.test.ts');
});
