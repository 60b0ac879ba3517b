import { Arena, AttachError } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { NameObserver } from '../../src/budgets/name-observer.ts';
import { NameTiers } from '../../src/budgets/name-tiers.ts';
import { CPU_UNKNOWN, PROMOTED } from '../../src/budgets/tier-machine.ts';
import { tierPlan, TIER_WARN } from '../../src/budgets/tier-table.ts';
import { kernelBase64, type KernelExports } from '../../src/kernel.generated.ts';

const rules = tierPlan().rules.normal;
const NAMES = 4;

function newTiers(): { tiers: NameTiers; arena: Arena; kernel: KernelExports } {
  const arena = Arena.create({ bytes: NameTiers.bytesFor(NAMES) + 4096 });
  const kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
  return { tiers: NameTiers.create(arena, NAMES, kernel), arena, kernel };
}

test('violations on two workers count together', () => {
  const { tiers } = newTiers();
  const [a, b] = [new NameObserver(tiers, 1), new NameObserver(tiers, 2)];
  let outcome = 0;
  for (let i = 0; i < 5; i++) {
    expect(tiers.tierOf(2)).toBe(0);
    outcome = (i % 2 === 0 ? a : b).observe(2, rules, 20, CPU_UNKNOWN, false, 1000 + i);
  }
  expect(outcome & PROMOTED).toBe(PROMOTED);
  expect(tiers.tierOf(2)).toBe(TIER_WARN);
  expect([0, 1, 3].map((name) => tiers.tierOf(name))).toEqual([0, 0, 0]);
  expect(tiers.changesOf(2)).toEqual({ promotions: 1, demotions: 0 });
});

test('good polls of two workers demote together', () => {
  const { tiers } = newTiers();
  const [a, b] = [new NameObserver(tiers, 1), new NameObserver(tiers, 2)];
  for (let i = 0; i < 5; i++) a.observe(0, rules, 20, CPU_UNKNOWN, false, 1000);
  let polls = 0;
  for (; tiers.tierOf(0) === TIER_WARN && polls < 1000; polls++)
    (polls % 2 === 0 ? a : b).observe(0, rules, 0.01, CPU_UNKNOWN, false, 5000);
  // 75 by the table; each worker tells of 15 at once.
  expect(polls).toBeGreaterThanOrEqual(75);
  expect(polls).toBeLessThanOrEqual(75 + 2 * 15);
});

test('what cannot be told because another worker has the record is told with the next poll', () => {
  const { tiers, kernel } = newTiers();
  const observer = new NameObserver(tiers, 1);
  kernel.takeTier(tiers.cellAt(0), 2);
  for (let i = 0; i < 10; i++) expect(observer.observe(0, rules, 20, CPU_UNKNOWN, false, 1000)).not.toBe(0);
  expect(tiers.tierOf(0)).toBe(0);
  expect(observer.hasUntold(0)).toBe(true);
  kernel.giveTier(tiers.cellAt(0), 0);
  expect(observer.observe(0, rules, 20, CPU_UNKNOWN, false, 1001) & PROMOTED).toBe(PROMOTED);
  expect(tiers.tierOf(0)).toBe(TIER_WARN); // by one, for all that there was
  expect(observer.hasUntold(0)).toBe(false);
});

test('a record that a worker had when it ended begins anew at the tier of the name, and other workers go on with it', () => {
  const { tiers, kernel } = newTiers();
  const [dead, living] = [new NameObserver(tiers, 1), new NameObserver(tiers, 2)];
  for (let i = 0; i < 5; i++) dead.observe(1, rules, 20, CPU_UNKNOWN, false, 1000);
  kernel.takeTier(tiers.cellAt(1), 1);
  tiers.f64[tiers.recordAt(1)] = 3; // written in part
  expect(tiers.mend(1, rules, 2000)).toBe(1);
  expect(tiers.mend(1, rules, 2000)).toBe(0);
  expect(tiers.tierOf(1)).toBe(TIER_WARN);
  for (let i = 0; i < 2; i++) living.observe(1, rules, 20, CPU_UNKNOWN, false, 3000);
  expect(tiers.tierOf(1)).toBe(TIER_WARN);
  living.observe(1, rules, 20, CPU_UNKNOWN, false, 3000);
  expect(tiers.tierOf(1)).toBe(2);
});

test('other threads see what one has told, by an address that they check', () => {
  const { tiers, arena, kernel } = newTiers();
  const other = NameTiers.attach(arena, tiers.at, kernel);
  const observer = new NameObserver(tiers, 1);
  for (let i = 0; i < 5; i++) observer.observe(3, rules, 20, CPU_UNKNOWN, false, 1000);
  expect(other.tierOf(3)).toBe(TIER_WARN);
  arena.i32[(tiers.at >> 2) + 4] = NAMES + 1;
  expect(() => NameTiers.attach(arena, tiers.at, kernel)).toThrow(AttachError);
  expect(() => NameTiers.attach(arena, tiers.at + 128, kernel)).toThrow(AttachError);
});
