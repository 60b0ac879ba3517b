// Each rule of docs/budgets.md broken once: the comparison with the reference finds it.
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { ArgumentRangeError } from '@corelane/shared-memory';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as layout from '../../src/budgets/layout.ts';
import * as table from '../../src/budgets/tier-table.ts';
import { agreement, type Machine, type Met } from './tier-histories.ts';

const SOURCE = readFileSync(new URL('../../src/budgets/tier-machine.ts', import.meta.url), 'utf8');
const NAMES = [...SOURCE.matchAll(/^export (?:const|function) (\w+)/gm)].map(([, name]) => name);

/** The module with another text. */
function machineOf(source: string): Machine {
  const code = stripTypeScriptTypes(source)
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export /gm, '');
  const scope = { ...layout, ...table, ArgumentRangeError };
  // oxlint-disable-next-line typescript/no-implied-eval -- a module that is not a file
  return new Function(
    'scope',
    `const { ${Object.keys(scope).join(', ')} } = scope;\n${code}\nreturn { ${NAMES.join(', ')} };`,
  )(scope) as Machine;
}

/** Text that occurs once in the source, and what stands there instead. */
const MUTANTS: readonly (readonly [string, string, string])[] = [
  ['a spent budget is no violation', 'isSpent ? CAUSE_BUDGET : 0', '0'],
  ['CPU time at the limit is a violation', 'cpuMs > rules.cpuBudgetMs', 'cpuMs >= rules.cpuBudgetMs'],
  ['slow polls are not seen', 'if (wallMs > rules.slowPollMs)', 'if (false)'],
  ['a poll at the limit is slow', 'wallMs > rules.slowPollMs', 'wallMs >= rules.slowPollMs'],
  ['slow polls wait for a check', ', untilCheck <= 0 || (causes & CAUSE_SLOW) !== 0)', ', untilCheck <= 0)'],
  ['polls of unknown CPU time are good', 'cpuMs < 0 ? wallMs <= goodMs : cpuMs <= goodMs', 'cpuMs <= goodMs'],
  [
    'polls are as good as they are short',
    'cpuMs < 0 ? wallMs <= goodMs : cpuMs <= goodMs',
    'wallMs <= goodMs',
  ],
  [
    'good polls count during a cool-down',
    'if (isGood && nowMs >= (record[at + COOL_UNTIL_MS] as number))',
    'if (isGood)',
  ],
  [
    'a violation does not end a streak',
    '    record[at + GOOD_POLLS] = 0;\n    record[at + VIOLATED_MS] = nowMs;',
    '    record[at + VIOLATED_MS] = nowMs;',
  ],
  ['CPU time of violations does not count', 'if (cpuMs > 0) record', 'if (false) record'],
  ['slow polls do not count', 'if ((causes & CAUSE_SLOW) !== 0) record', 'if (false) record'],
  ['violations do not count', 'record[at + VIOLATIONS] = (record[at + VIOLATIONS] as number) + 1;', ''],
  [
    'the rate of violations is of two seconds',
    'const WINDOW_LENGTH_MS = 1000',
    'const WINDOW_LENGTH_MS = 2000',
  ],
  ['a second ends a millisecond late', '>= WINDOW_LENGTH_MS', '> WINDOW_LENGTH_MS'],
  [
    'as many violations as the rate cool down',
    '(record[at + WINDOW_VIOLATIONS] as number) > rules',
    '(record[at + WINDOW_VIOLATIONS] as number) >= rules',
  ],
  ['a cool-down has no end', 'nowMs + rules.coolDownMs', 'Infinity'],
  ['promotions know no hysteresis', 'sinceChangeMs >= rules.promotionHysteresisMs &&', 'true &&'],
  [
    'one violation too many',
    '>= (limits[row + TO_PROMOTE_VIOLATIONS]',
    '> (limits[row + TO_PROMOTE_VIOLATIONS]',
  ],
  ['CPU time does not promote', '(record[at + CPU_MS] as number) >=', '0 >='],
  ['slow polls do not promote', '(record[at + SLOW_POLLS] as number) >=', '0 >='],
  [
    'two tiers at a time',
    'enter(record, at, rules, tier + 1)',
    'enter(record, at, rules, Math.min(3, tier + 2))',
  ],
  [
    'demotions skip a tier',
    'enter(record, at, rules, tier - 1)',
    'enter(record, at, rules, Math.max(0, tier - 2))',
  ],
  [
    'a streak does not forgive',
    '  record[at + VIOLATIONS] = 0;\n  record[at + CPU_MS] = 0;\n  if (',
    '  if (',
  ],
  [
    'a streak forgives slow polls',
    '  record[at + CPU_MS] = 0;\n  if (',
    '  record[at + CPU_MS] = 0;\n  record[at + SLOW_POLLS] = 0;\n  if (',
  ],
  [
    'demotions do not wait for the time at the tier',
    'nowMs - (record[at + ENTERED_MS] as number) < (limits[row + MIN_MS] as number) ||',
    '',
  ],
  ['demotions know no hysteresis after a change', 'sinceChangeMs < rules.demotionHysteresisMs ||', ''],
  [
    'demotions know no hysteresis after a violation',
    ' ||\n    nowMs - (record[at + VIOLATED_MS] as number) < rules.demotionHysteresisMs',
    '',
  ],
  [
    'monitor forgives slow polls never',
    '    record[at + SLOW_POLLS] = 0;\n    record[at + GOOD_POLLS] = 0;',
    '    record[at + GOOD_POLLS] = 0;',
  ],
  [
    'monitor forgives without beginning anew',
    '    record[at + GOOD_POLLS] = 0;\n    record[at + ENTERED_MS] = nowMs;',
    '',
  ],
  [
    'evidence survives a change',
    '  record[at + VIOLATIONS] = 0;\n  record[at + CPU_MS] = 0;\n  record[at + SLOW_POLLS] = 0;',
    '',
  ],
  [
    'good polls survive a change',
    '  record[at + GOOD_POLLS] = 0;\n  record[at + ENTERED_MS] = nowMs;\n  record[at + CHANGED_MS]',
    '  record[at + ENTERED_MS] = nowMs;\n  record[at + CHANGED_MS]',
  ],
  [
    'a new tier keeps the rhythm of the one before',
    '  record[at + UNTIL_CHECK] = rules.limits[tier * ROW + CHECK_EVERY] as number;\n  record[at + VIOLATIONS]',
    '  record[at + UNTIL_CHECK] ||= 1;\n  record[at + VIOLATIONS]',
  ],
  ['a record that was never changed counts as changed', '  record[at + CHANGED_MS] = -Infinity;\n}', '}'],
];

const met = (): Met => ({ promoted: 0, demoted: 0, 'cooling down': 0 });

test('the source as it is agrees with the reference', () => {
  expect(fc.check(agreement(machineOf(SOURCE), met()), { numRuns: 300 }).failed).toBe(false);
});

test.each(MUTANTS)('found: %s', (_, find, replace) => {
  expect(SOURCE.split(find)).toHaveLength(2);
  const result = fc.check(agreement(machineOf(SOURCE.replace(find, replace)), met()), {
    numRuns: 4000,
    seed: 1,
    endOnFailure: true,
  });
  expect(result.failed).toBe(true);
});
