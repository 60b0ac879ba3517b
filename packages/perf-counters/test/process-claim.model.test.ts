// All interleavings of the claim on the figures of the process: never two holders at once, and the next one sees what the last one counted.
import { killsMutants, type Mutant, type Scenario } from '@corelane/interleave';
import { expect, test } from 'vitest';
import type * as Holders from './kernel/process-holders.ts';

type Kernel = typeof Holders;

const BYTES = 512;

function start(kernel: Kernel, ...writers: number[]): void {
  kernel.initialize();
  for (const writer of writers) kernel.claimWriter(writer);
}

function wins(results: readonly number[]): number {
  return results.filter((claim) => claim !== 0).length;
}

const competing = (kernel: Kernel): Scenario => ({
  name: 'two claim, and release',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [0, 1].map((writer) => () => {
    const claim = kernel.count(writer);
    if (claim !== 0) kernel.releaseProcess(0, claim);
    return claim;
  }),
  check: (results: readonly number[]) => {
    if (wins(results) === 0) return 'nobody got it';
    if (kernel.processHolder(0) !== -1) return 'held after all have released';
    return kernel.counted() === wins(results) ? undefined : `counted ${kernel.counted()}`;
  },
});

const keeping = (kernel: Kernel): Scenario => ({
  name: 'two claim, and keep',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [() => kernel.count(0), () => kernel.count(1)],
  check: (results: readonly number[]) => {
    if (wins(results) !== 1) return `${wins(results)} hold it`;
    const holder = results.findIndex((claim) => claim !== 0);
    return kernel.processHolder(0) === holder ? undefined : `told as held by ${kernel.processHolder(0)}`;
  },
});

const dying = (kernel: Kernel): Scenario => ({
  name: 'a holder ends without releasing, its writer is freed; another takes over',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [
    () => {
      const claim = kernel.count(0);
      kernel.freeWriter(0);
      return claim;
    },
    () => [kernel.count(1), kernel.count(1)].filter((claim) => claim !== 0).length,
  ],
  check: (results: readonly number[]) => {
    const [first, second] = results as [number, number];
    if (kernel.counted() !== (first === 0 ? 0 : 1) + second || second > 1)
      return `counted ${kernel.counted()} by ${first}, ${second}`;
    return second === 1 || kernel.claimProcess(0, 1) !== 0
      ? undefined
      : 'out of reach after its holder has ended';
  },
});

const inheriting = (kernel: Kernel): Scenario => ({
  name: 'who claims the writer of a holder that ended has not claimed the process by that',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [
    () => {
      const claim = kernel.count(0);
      kernel.freeWriter(0);
      return claim;
    },
    () => kernel.claimWriter(0),
  ],
  check: () => {
    if (kernel.processHolder(0) !== -1) return `told as held by ${kernel.processHolder(0)}`;
    return kernel.claimProcess(0, 1) !== 0 ? undefined : 'out of reach after its holder has ended';
  },
});

const succeeding = (kernel: Kernel): Scenario => ({
  name: 'the writer of a holder that ended is claimed again; the late release of the old claim undoes nothing',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [
    () => {
      const claim = kernel.count(0);
      kernel.freeWriter(0);
      if (claim !== 0) kernel.releaseProcess(0, claim);
      return claim;
    },
    () => (kernel.claimWriter(0) ? kernel.count(0) : 0),
    () => kernel.count(1),
  ],
  check: (results: readonly number[]) => {
    if (kernel.counted() !== wins(results)) return `counted ${kernel.counted()}, won ${wins(results)}`;
    // Who has won and has not ended holds it still.
    const [, second, third] = results as [number, number, number];
    if (second !== 0 && third !== 0) return 'two hold it';
    const holder = second !== 0 ? 0 : third !== 0 ? 1 : -1;
    return kernel.processHolder(0) === holder
      ? undefined
      : `told as held by ${kernel.processHolder(0)}, expected ${holder}`;
  },
});

const mutants: Mutant[] = [
  {
    name: 'takes whatever it finds',
    find: 'if (!isVoid(registry, found)) return 0;',
    replace: '',
  },
  {
    name: 'stores without looking whether the word is still what it saw',
    find: 'if (compareExchange(word, found, claim) == found) return claim;',
    replace: 'compareExchange(word, load(word), claim); return claim;',
  },
  {
    name: 'does not look how often the writer was claimed',
    find: 'return claimOf(registry, writer) != claim;',
    replace: 'return false;',
  },
  {
    name: 'does not look whether the writer is held',
    find: 'if (load((recordOf(registry, writer) + WRITER_RECORD_STATE) | 0) != WRITER_CLAIMED) return true;',
    replace: '',
  },
  {
    name: 'takes every claim for void',
    find: 'return isVoid(registry, claim) ? -1',
    replace: 'return claim !== 0 ? -1',
  },
  {
    name: 'releases whoever holds it',
    find: 'compareExchange((registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0, claim, 0);',
    replace:
      'compareExchange((registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0, load((registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0), 0);',
  },
  {
    name: 'never releases',
    find: 'compareExchange((registry + REGISTRY_ROOT_PROCESS_CLAIM) | 0, claim, 0);',
    replace: '',
  },
];

test('one holder at a time, whoever ends when, and the mutants are killed', () => {
  const { baseline, kills } = killsMutants<Kernel>({
    kernel: new URL('./kernel/process-holders.ts', import.meta.url),
    mutants,
    scenarios: [competing, keeping, dying, inheriting, succeeding],
  });
  expect(baseline.every(({ complete }) => complete)).toBe(true);
  expect(kills).toHaveLength(mutants.length);
});
