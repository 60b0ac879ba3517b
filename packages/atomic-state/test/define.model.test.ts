import { killsMutants, peek, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import { cell } from '../src/layout.ts';
import { BYTES, CELL, NAMES, expectAll, word, writePolicy } from './model.ts';

type Kernel = typeof import('../kernel/define.ts');

const FIRST = 32;
const SECOND = 64;

const scenarios: ((k: Kernel) => Scenario)[] = [
  (k) => ({
    name: 'two definers agree, and whoever sees the policy sees an initialised word',
    bytes: BYTES,
    names: NAMES,
    setup: () => {
      writePolicy(FIRST, { burst: 7, refillPerSecond: 1 });
      writePolicy(SECOND, { burst: 9, refillPerSecond: 1 });
    },
    threads: [() => k.defineEndpoint(CELL, FIRST, 3), () => k.defineEndpoint(CELL, SECOND, 4)],
    invariant: () => {
      const published = peek(CELL + cell.offset.policy);
      return published === 0 || word().tokens === (published === FIRST ? 7 : 9)
        ? undefined
        : `policy ${published} with ${word().tokens} tokens`;
    },
    check: (r) =>
      expectAll(
        [r[0] === r[1] && (r[0] === FIRST || r[0] === SECOND), `policies ${r.join()}`],
        [peek(CELL + cell.offset.policy) === r[0], 'the published policy is another'],
        [word().version === 0 && word().state === 'closed', 'the word changed'],
      ),
  }),
  (k) => ({
    name: 'a late definer changes nothing',
    bytes: BYTES,
    names: NAMES,
    setup: () => {
      writePolicy(FIRST, { burst: 7, refillPerSecond: 1 });
      writePolicy(SECOND, { burst: 9, refillPerSecond: 1 });
      k.defineEndpoint(CELL, FIRST, 3);
    },
    threads: [() => k.defineEndpoint(CELL, SECOND, 4), () => k.defineEndpoint(CELL, SECOND, 5)],
    check: (r) =>
      expectAll(
        [r[0] === FIRST && r[1] === FIRST, `policies ${r.join()}`],
        [word().tokens === 7, `${word().tokens} tokens`],
        [peek(CELL + cell.offset.refill + 4) === 3, 'the refill time moved'],
      ),
  }),
];

const mutants = [
  {
    name: 'the policy is published before the word is initialised',
    find: '  if (load(cell + CELL_POLICY) != 0) return holds;\n',
    replace: '  if (load(cell + CELL_POLICY) != 0) return holds;\n  store(cell + CELL_POLICY, holds);\n',
  },
  {
    name: 'every definer initialises from its own policy',
    find: 'const holds = before == 0 ? policy : before;',
    replace: 'const holds = policy;',
  },
  {
    name: 'the proposal is stored without a CAS',
    find: 'const before = compareExchange(cell + CELL_PROPOSED, 0, policy);',
    replace:
      'const before = load(cell + CELL_PROPOSED); if (before == 0) store(cell + CELL_PROPOSED, policy);',
  },
];

test('every interleaving of definers leaves one policy, and every mutant is caught', () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('../kernel/define.ts', import.meta.url),
    mutants,
    scenarios,
  });
  expect(baseline.every((s) => s.complete && s.accesses > 0)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
});
