import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('polls are observed, budgets consumed and hooks called without an allocation, but for one object each time that a name’s are told', () => {
  const program = fileURLToPath(new URL('./allocations.ts', import.meta.url));
  const options = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
  const output = execFileSync(process.execPath, [...options, program], { encoding: 'utf8' });
  const { changes, bytes } = JSON.parse(output) as { changes: number; bytes: Record<string, number> };
  expect(changes).toBeGreaterThan(5);
  expect(Object.keys(bytes)).toHaveLength(7);
  // Of a name: one object of 16 bytes, the time, where what was counted is told, which is every 15th to 20th poll.
  const { 'NameObserver.observe': ofName = Infinity, ...others } = bytes;
  expect(Object.entries(others).filter(([, each]) => each > 0.1)).toEqual([]);
  expect(ofName).toBeLessThan(16 / 15);
});
