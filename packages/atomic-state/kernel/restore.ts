// Taking an endpoint back to a state that was read before: isolated in a new era, so that no result of running calls can get in
// between; filled while nobody else can; then set, in one CAS.
import { get, high, load, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_POLICY,
  CELL_WORD,
  POLICY_BURST,
  RESTORE_CLOSED,
  RESTORE_OPEN,
  WORD_FAILURES_SHIFT,
} from './layout.generated.ts';
import { forgetEra, stampLedger } from './ledger.ts';
import { setRefill } from './tokens.ts';
import { casWord } from './word-cas.ts';
import {
  bumped,
  closed,
  eraOf,
  isIsolated,
  isolated,
  releasedToOpen,
  withCompression,
  withTokens,
} from './word.ts';

/** Isolates the endpoint and clears what the new era could find of an earlier one. @returns the era */
export function beginRestore(cell: i32): i32 {
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    const next = bumped(isolated(wordLow));
    if (casWord(cell, wordLow, wordHigh, next, wordHigh) == 0) continue;
    forgetEra(cell, next, eraOf(next));
    return eraOf(next);
  }
}

/**
 * Ends a restoration.
 * @param era what `beginRestore` returned
 * @param state one of RESTORE_…
 * @param sinceMs when it opened, where it is open
 * @param ratio of compression, or -1 for none
 * @param paidUntilMs up to when tokens have been paid out
 * @returns 1, or 0 where another thread has closed it or begun to restore it meanwhile: nothing was changed
 */
export function endRestore(
  cell: i32,
  era: i32,
  state: i32,
  sinceMs: i32,
  tokens: i32,
  ratio: i32,
  successes: i32,
  failures: i32,
  paidUntilMs: i32,
): i32 {
  const burst = get(load(cell + CELL_POLICY) + POLICY_BURST);
  while (true) {
    load64(cell + CELL_WORD);
    const wordLow = low();
    const wordHigh = high();
    if (isIsolated(wordLow) == 0 || eraOf(wordLow) != era) return 0;
    let next = withCompression(withTokens(wordLow, tokens < burst ? tokens : burst), ratio);
    if (state == RESTORE_CLOSED) next = closed(next);
    if (state == RESTORE_OPEN) next = releasedToOpen(next);
    // The stamp first: an open breaker without one would be stamped by whoever asks, with its own time.
    if (stampLedger(cell, wordLow, sinceMs) == 0) return 0;
    setRefill(cell, paidUntilMs);
    if (casWord(cell, wordLow, wordHigh, bumped(next), (failures << WORD_FAILURES_SHIFT) | successes) != 0)
      return 1;
  }
}
