/** Opening an io_uring, and saying why where there is none. */
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
 * One issuer is since kernel 6.0, as is cancelling from outside of the ring, which is how a thread that ends gets its memory back from operations
 * that would wait for ever: an older kernel is not used. Not IORING_SETUP_DEFER_TASKRUN: work that it defers wakes an eventfd, but nobody who
 * polls the ring's own descriptor, so completions would wait for the next submission; and it was no faster here.
 */
const FLAGS = SETUP.clamp | SETUP.submitAll | SETUP.coopTaskRun | SETUP.singleIssuer;

const TOO_OLD = ': this kernel has no io_uring that will do (6.0 or later needed)';
const WHY: Record<string, string> = {
  ENOSYS: TOO_OLD,
  EINVAL: TOO_OLD,
  EPERM: ': forbidden, by kernel.io_uring_disabled or a seccomp filter',
  ENOMEM: ': the ring does not fit under RLIMIT_MEMLOCK',
};

/** Nothing to cancel. */
const ENOENT = -2;

function refusal(call: string, answer: number): string {
  const name = errnoName(-answer);
  return `${call} answered ${name}${WHY[name] ?? ''}`;
}

/** The ring, or why there is none, as a clause. */
export function openRing(addon: NativeAddon, asked: number): OpenedRing | string {
  const ring = addon.openRing(asked, asked * 2, FLAGS);
  if (ring < 0) return refusal('io_uring_setup', ring);
  // Where nothing can be cancelled, closing would wait for ever. Nothing is in flight, and so nothing is found.
  const found = addon.cancelOperation(ring, 0);
  if (found !== ENOENT) {
    addon.closeRing(ring);
    return refusal('io_uring_register', found);
  }
  const facts = new Int32Array(new SharedArrayBuffer(FACTS_WORDS * 4));
  addon.ringFacts(ring, facts);
  const [entries = 0, completionEntries = 0] = [facts[FACTS.entries], facts[FACTS.completionEntries]];
  return {
    ring,
    entries,
    completionEntries,
    reason: `io_uring of ${entries} entries and ${completionEntries} completions`,
  };
}
