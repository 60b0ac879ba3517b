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

/** Counts where it gets the process, and releases it. */
const passing = (kernel: Kernel, writer: number) => (): number => {
  const claim = kernel.count(writer);
  if (claim !== 0) kernel.releaseProcess(0, claim);
  return claim;
};

/** Counts where it gets the process, and ends without releasing it; its writer is freed. */
const ending = (kernel: Kernel, writer: number) => (): number => {
  const claim = kernel.count(writer);
  kernel.freeWriter(writer);
  return claim;
};

/** What is wrong where not this one is told as the holder. */
function notHeldBy(kernel: Kernel, expected: number): string | undefined {
  const found = kernel.processHolder(0);
  return found === expected ? undefined : `told as held by ${found}, expected ${expected}`;
}

/** What is wrong where a thread can not take over from those that have ended. */
function outOfReach(kernel: Kernel, writer: number): string | undefined {
  return kernel.claimProcess(0, writer) === 0 ? 'out of reach after its holder has ended' : undefined;
}

const competing = (kernel: Kernel): Scenario => ({
  name: 'two claim, and release',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [passing(kernel, 0), passing(kernel, 1)],
  check: (results: readonly number[]) => {
    if (wins(results) === 0) return 'nobody got it';
    if (kernel.counted() !== wins(results)) return `counted ${kernel.counted()}`;
    return notHeldBy(kernel, -1);
  },
});

const keeping = (kernel: Kernel): Scenario => ({
  name: 'two claim, and keep',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [() => kernel.count(0), () => kernel.count(1)],
  check: (results: readonly number[]) => {
    if (wins(results) !== 1) return `${wins(results)} hold it`;
    return notHeldBy(
      kernel,
      results.findIndex((claim) => claim !== 0),
    );
  },
});

const dying = (kernel: Kernel): Scenario => ({
  name: 'a holder ends without releasing, its writer is freed; another takes over',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [ending(kernel, 0), () => wins([kernel.count(1), kernel.count(1)])],
  check: (results: readonly number[]) => {
    const [first, second] = results as [number, number];
    if (kernel.counted() !== wins([first]) + second || second > 1)
      return `counted ${kernel.counted()} by ${first}, ${second}`;
    return second === 1 ? undefined : outOfReach(kernel, 1);
  },
});

const inheriting = (kernel: Kernel): Scenario => ({
  name: 'who claims the writer of a holder that ended has not claimed the process by that',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [ending(kernel, 0), () => kernel.claimWriter(0)],
  check: () => notHeldBy(kernel, -1) ?? outOfReach(kernel, 1),
});

const succeeding = (kernel: Kernel): Scenario => ({
  name: 'the writer of a holder that ended is claimed again; the late release of the old claim undoes nothing',
  bytes: BYTES,
  setup: () => start(kernel, 0, 1),
  threads: [
    () => {
      const claim = ending(kernel, 0)();
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
    return notHeldBy(kernel, second !== 0 ? 0 : third !== 0 ? 1 : -1);
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
