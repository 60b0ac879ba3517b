import { describe, expect, test } from 'vitest';
import { Contenders } from '../src/contention/contenders.ts';

const module = new URL('fixtures/contender.ts', import.meta.url);

function start(threads: number, counter: SharedArrayBuffer, dies: (index: number) => boolean = () => false) {
  return Contenders.start({ module, contenders: threads, data: (index) => ({ counter, dies: dies(index) }) });
}

describe('contenders', { timeout: 30_000 }, () => {
  test('split every batch evenly and do all of it', async () => {
    const counter = new SharedArrayBuffer(4);
    const contenders = await start(3, counter);
    for (let batch = 1; batch <= 20; batch++) {
      const { successful, elapsedNs, metrics } = await contenders.run(3000);
      expect(successful).toBe(3000);
      expect(elapsedNs).toBeGreaterThan(0);
      expect(metrics?.['fairness']?.value).toBeGreaterThan(0);
      expect(metrics?.['fairness']?.value).toBeLessThanOrEqual(1);
      expect(new Int32Array(counter)[0]).toBe(3000 * batch);
    }
    await contenders.stop();
    await contenders.stop();
    await expect(contenders.run(3)).rejects.toThrow('stopped');
  });

  test('refuse a batch that does not split', async () => {
    const contenders = await start(2, new SharedArrayBuffer(4));
    await expect(contenders.run(3)).rejects.toThrow('3 operations do not split over 2');
    await contenders.stop();
  });

  test('fail the batch in which one of them dies', async () => {
    const contenders = await start(2, new SharedArrayBuffer(4), (index) => index === 1);
    await expect(contenders.run(2)).rejects.toThrow('a contender died');
    await contenders.stop();
  });

  test('fail to start where the module is not there', async () => {
    const missing = new URL('fixtures/none.ts', import.meta.url);
    await expect(Contenders.start({ module: missing, contenders: 2, data: () => ({}) })).rejects.toThrow(
      'none.ts',
    );
  });
});
