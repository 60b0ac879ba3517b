// What every model suite does with its plots: each of them over all interleavings, and the mutants that those not too large kill.
import { explore, killsMutants, type Mutant } from '@corelane/interleave';
import { describe, expect, test } from 'vitest';
import * as kernel from './all.ts';
import { scenario, type Kernel, type Plot } from './scene.ts';

export function modelSuite(name: string, plots: readonly Plot[], mutants: readonly Mutant[]): void {
  describe(`${name}, all interleavings`, { timeout: 60_000 }, () => {
    test.each(plots.map((plot) => scenario(plot)(kernel)))('$name', (each) => {
      const found = explore(each);
      expect(found.complete).toBe(true);
      expect(found.accesses).toBeGreaterThan(0);
    });

    test('these scenarios kill every mutant', () => {
      const { kills } = killsMutants<Kernel>({
        kernel: new URL('./all.ts', import.meta.url),
        mutants,
        scenarios: plots.filter(({ large }) => large === undefined).map(scenario),
      });
      expect(kills).toHaveLength(mutants.length);
    });
  });
}
