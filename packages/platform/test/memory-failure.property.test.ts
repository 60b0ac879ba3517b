/** Whatever fails, and wherever: a call that is not verified leaves policies, locks and advice as they were. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Answer, MemoryAdvice } from '../src/index.ts';
import { advise } from '../src/memory/advice.ts';
import { lock, unlock } from '../src/memory/lock.ts';
import type { MemoryMachine } from '../src/memory/machine.ts';
import { setPolicy } from '../src/memory/policy.ts';
import { release } from '../src/memory/release.ts';
import { FakeKernel } from './memory-kernel.ts';

const PAGES = 8;
/** Pages that may be locked. */
const LOCKABLE = 6;
const ADVICE: readonly MemoryAdvice[] = [
  'normal',
  'random',
  'sequential',
  'dontFork',
  'doFork',
  'dontDump',
  'doDump',
  'wipeOnFork',
  'keepOnFork',
  'mergeable',
  'unmergeable',
];

const MODE: Readonly<Record<string, number>> = {
  reset: 0,
  bind: 2,
  interleave: 3,
  preferMany: 5,
  weightedInterleave: 6,
};
/** What each advice sets or clears. */
const FLAG: Readonly<Record<MemoryAdvice, string>> = {
  normal: 'rr',
  random: 'rr',
  sequential: 'sr',
  dontFork: 'dc',
  doFork: 'dc',
  dontDump: 'dd',
  doDump: 'dd',
  wipeOnFork: 'wf',
  keepOnFork: 'wf',
  mergeable: 'mg',
  unmergeable: 'mg',
};
const SET: ReadonlySet<string> = new Set([
  'random',
  'sequential',
  'dontFork',
  'dontDump',
  'wipeOnFork',
  'mergeable',
]);

/** Calls with the same way to fail. */
function family(name: string): string {
  if (name === 'lock' || name === 'unlock' || name === 'release') return name;
  return Object.hasOwn(FLAG, name) ? 'advice' : 'policy';
}

type Call = (machine: MemoryMachine, range: Uint8Array) => Answer<unknown>;

const nodes = fc
  .uniqueArray(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 4 })
  .map((found) => found.toSorted((a, b) => a - b));
const call: fc.Arbitrary<[string, Call]> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('bind', 'interleave', 'preferMany', 'weightedInterleave'),
      nodes,
      fc.record({ migrate: fc.boolean(), strict: fc.boolean() }),
    )
    .map(([mode, on, options]): [string, Call] => [
      `${mode} ${on.join()} ${JSON.stringify(options)}`,
      (machine, range) => setPolicy(machine, range, mode, on, options),
    ]),
  fc.constant<[string, Call]>(['reset', (machine, range) => setPolicy(machine, range, 'default', [], {})]),
  fc.constant<[string, Call]>(['lock', lock]),
  fc.constant<[string, Call]>(['unlock', unlock]),
  fc.constant<[string, Call]>(['release', release]),
  fc
    .constantFrom(...ADVICE)
    .map((advice): [string, Call] => [advice, (machine, range) => advise(machine, range, advice)]),
);
const page = fc.record({
  mode: fc.constantFrom(0, 2, 3),
  flags: fc.uniqueArray(fc.constantFrom('lo', 'rr', 'dd', 'dc', 'mg', 'wf')),
  at: fc.constantFrom(-1, -2, 0, 1, 2, 3),
  pinned: fc.constantFrom(0, 0, 1, 100),
});
/** Errno of the nth call of the kernel, 0 says it was done; `half`: after it did what it does to the first page. */
const failure = fc.option(
  fc.record({
    at: fc.integer({ min: 0, max: 12 }),
    errno: fc.constantFrom(0, 12, 5, 22),
    half: fc.boolean(),
  }),
);

it(
  'leaves settings as they were unless it is verified, and then they are what was asked',
  { timeout: 60_000 },
  () => {
    const statuses = new Set<string>();
    fc.assert(
      fc.property(
        fc.array(page, { minLength: PAGES, maxLength: PAGES }),
        fc.tuple(fc.integer({ min: 0, max: PAGES - 1 }), fc.integer({ min: 1, max: PAGES })),
        call,
        failure,
        (state, [from, count], [name, run], fault) => {
          const kernel = new FakeKernel({
            pages: PAGES,
            lockLimitBytes: LOCKABLE * 4096,
            allowed: [0, 1, 2],
          });
          for (const [index, { mode, flags, at, pinned }] of state.entries())
            Object.assign(kernel.pages[index] ?? {}, {
              mode,
              nodes: mode === 0 ? [] : [index % 3],
              // No more locks than the limit allows: they could not be put back.
              flags: new Set(['rd', 'wr', ...flags.filter((flag) => flag !== 'lo' || index < LOCKABLE)]),
              at,
              pinned,
            });
          const range = kernel.part(from, Math.min(PAGES, from + count));
          const before = kernel.settings();
          const pagesBefore = kernel.pages.map(({ at }) => at);
          let number = 0;
          kernel.intercept = (native, firstPage) => {
            if (!['memoryBind', 'memoryLock', 'memoryUnlock', 'memoryAdvise', 'memoryNodes'].includes(native))
              return undefined;
            if (fault === null || number++ !== fault.at) return undefined;
            if (fault.half) firstPage(); // the kernel got as far as that
            return -fault.errno;
          };
          const answer = run(kernel.machine, range);
          statuses.add(`${family(name)} ${answer.status}`);
          // A fault in putting back is beyond help, and said. The first call is not that.
          const excused =
            fault !== null &&
            fault.at > 0 &&
            'reason' in answer &&
            answer.reason.endsWith('could not be put back');
          if (answer.status !== 'verified' && !excused)
            expect({ name, reason: answer.reason, settings: kernel.settings() }).toEqual({
              name,
              reason: answer.reason,
              settings: before,
            });
          if (answer.status === 'refused' && name === 'release' && fault === null)
            expect(kernel.pages.map(({ at }) => at)).toEqual(pagesBefore);
          if (answer.status !== 'verified') return;
          for (const { mode, flags, at } of kernel.pages.slice(from, from + count))
            if (family(name) === 'policy')
              expect({ name, mode }).toEqual({ name, mode: MODE[name.split(' ')[0] ?? ''] });
            else if (name === 'lock') expect(flags).toContain('lo');
            else if (name === 'unlock') expect(flags).not.toContain('lo');
            else if (name === 'release') expect(at).toBe(-1);
            else
              expect({ name, set: flags.has(FLAG[name as MemoryAdvice]) }).toEqual({
                name,
                set: SET.has(name),
              });
        },
      ),
      { numRuns: 2000 },
    );
    // The search reached both ends of every call.
    for (const name of ['policy', 'lock', 'unlock', 'release', 'advice'])
      for (const status of ['verified', 'refused']) expect([...statuses]).toContain(`${name} ${status}`);
  },
);
