/** Opening an io_uring with the best that the kernel has, and saying what it was. */
import { errnoName } from './errno.ts';
import { FACTS, FACTS_WORDS, SETUP } from './layout.ts';
import type { NativeAddon } from './native.ts';

export interface OpenedRing {
  /** Number of the ring at the addon. */
  readonly ring: number;
  readonly entries: number;
  readonly completionEntries: number;
  readonly reason: string;
}

/**
 * Since kernels 6.0, 5.19, 5.5. Not IORING_SETUP_DEFER_TASKRUN: work that it defers wakes an eventfd, but nobody who polls the ring's own
 * descriptor, so completions would wait for the next submission; and it was no faster here.
 */
const ATTEMPTS = [
  {
    flags: SETUP.clamp | SETUP.submitAll | SETUP.coopTaskRun | SETUP.singleIssuer,
    how: 'one issuer, cooperative task work',
  },
  { flags: SETUP.clamp | SETUP.submitAll | SETUP.coopTaskRun, how: 'cooperative task work' },
  { flags: SETUP.clamp, how: 'plain' },
];

const WHY: Record<string, string> = {
  ENOSYS: ': this kernel has no io_uring that will do (5.5 or later needed)',
  EPERM: ': forbidden, by kernel.io_uring_disabled or a seccomp filter',
  ENOMEM: ': the ring does not fit under RLIMIT_MEMLOCK',
};

/** The ring, or why there is none, as a clause. */
export function openRing(addon: NativeAddon, entries: number): OpenedRing | string {
  let name = '';
  for (const { flags, how } of ATTEMPTS) {
    const ring = addon.openRing(entries, entries * 2, flags);
    if (ring > 0) {
      const facts = new Int32Array(FACTS_WORDS);
      addon.ringFacts(ring, facts);
      const [submissions = 0, completions = 0] = [facts[FACTS.entries], facts[FACTS.completionEntries]];
      const reason = `${submissions} entries, ${completions} completions, ${how}`;
      return { ring, entries: submissions, completionEntries: completions, reason };
    }
    name = errnoName(-ring);
    if (name !== 'EINVAL') break; // a flag that an older kernel does not know
  }
  return `io_uring_setup answered ${name}${WHY[name] ?? ''}`;
}
