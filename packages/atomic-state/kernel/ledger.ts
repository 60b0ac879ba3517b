// The probe ledger: when the era of the word began, and how many probes it has admitted. A ledger of another era is not valid yet:
// whoever finds one so may stamp it, and the first stamp holds. PROTOCOL.md has the steps.
import { add, compareExchange64, get, high, load64, low } from '@corelane/shared-memory/kernel/atomics';
import {
  CELL_LEDGER,
  CELL_REOPENS,
  CELL_WORD,
  LEDGER_ADMITTED_MASK,
  LEDGER_ADMITTED_ONE,
  LEDGER_ERA_SHIFT,
  POLICY_HALF_OPEN_PROBES,
  POLICY_OPEN_DURATION_MS,
  REFUSED_PROBING,
} from './layout.generated.ts';
import { forgetOutcomes } from './rolling.ts';
import { forgetFailures } from './window.ts';
import { casWord } from './word-cas.ts';
import { bumped, elapsedMs, eraOf, failuresOf, opened, successesOf } from './word.ts';

/** The probe bit of an admission. */
export const PROBE: i32 = 1;

/** 1 where the ledger is of the word's era, stamped if need be, and then observed; 0 where the word has moved on to another era. */
export function stampLedger(cell: i32, wordLow: i32, now: i32): i32 {
  while (true) {
    load64(cell + CELL_LEDGER);
    const ledgerLow = low();
    const since = high();
    if (ledgerIsOf(ledgerLow, wordLow) != 0) return 1;
    // Is it older than the word, or is the word that the caller saw? A later era's stamp must not be overwritten.
    load64(cell + CELL_WORD);
    if (eraOf(low()) != eraOf(wordLow)) return 0;
    // publish: the start of the era; pairs with every load64 of the ledger. Fails where another thread was first, or where a
    // probe of the era before has just been admitted.
    compareExchange64(cell + CELL_LEDGER, ledgerLow, since, eraOf(wordLow) << LEDGER_ERA_SHIFT, now);
  }
}

/** An admission, REFUSED_PROBING, or 0: look at the word again, the ledger has moved or the probes are lost. */
export function admitProbe(cell: i32, policy: i32, wordLow: i32, now: i32): i32 {
  load64(cell + CELL_LEDGER);
  const ledgerLow = low();
  const since = high();
  if (ledgerIsOf(ledgerLow, wordLow) == 0) return 0;
  if ((ledgerLow & LEDGER_ADMITTED_MASK) < get(policy + POLICY_HALF_OPEN_PROBES)) {
    const next = (ledgerLow + LEDGER_ADMITTED_ONE) | 0;
    // Not back: a thread that read the clock long ago would make the probes of others look lost.
    const time = elapsedMs(now, since) == 0 ? since : now;
    // claim: one of the era's probes; pairs with the same CAS on other threads.
    if (compareExchange64(cell + CELL_LEDGER, ledgerLow, since, next, time) == 0) return 0;
    return (eraOf(wordLow) << 1) | PROBE;
  }
  return probesAreLost(policy, ledgerLow, since, now) != 0 ? 0 : REFUSED_PROBING;
}

/** Opens the breaker again where all probes of the word's era are out and none answers. */
export function giveUpLostProbes(cell: i32, policy: i32, wordLow: i32, wordHigh: i32, now: i32): void {
  load64(cell + CELL_LEDGER);
  if (ledgerIsOf(low(), wordLow) == 0 || probesAreLost(policy, low(), high(), now) == 0) return;
  reopen(cell, wordLow, wordHigh, wordHigh, now);
}

/** HalfOpen to Open. 1 where this thread did it. */
export function reopen(cell: i32, wordLow: i32, wordHigh: i32, nextHigh: i32, now: i32): i32 {
  const next = bumped(opened(wordLow));
  if (casWord(cell, wordLow, wordHigh, next, nextHigh) == 0) return 0;
  stampLedger(cell, next, now);
  add(cell + CELL_REOPENS, 1); // pairs with the atomic load in snapshots
  return 1;
}

/** Takes back a probe that was admitted in this era and will have no result. */
export function returnProbe(cell: i32, era: i32): void {
  while (true) {
    load64(cell + CELL_LEDGER);
    const ledgerLow = low();
    const since = high();
    if (ledgerLow >>> LEDGER_ERA_SHIFT != era || (ledgerLow & LEDGER_ADMITTED_MASK) == 0) return;
    // release: pairs with the claim in admitProbe.
    if (
      compareExchange64(cell + CELL_LEDGER, ledgerLow, since, (ledgerLow - LEDGER_ADMITTED_ONE) | 0, since) !=
      0
    )
      return;
  }
}

/**
 * Before the breaker closes: clears the results of eight eras ago, which carry the number of the era that it closes in.
 * @param wordLow as it is now, not closed
 */
export function forgetEra(cell: i32, wordLow: i32, era: i32): void {
  forgetFailures(cell, eraOf(wordLow), era);
  forgetOutcomes(cell, eraOf(wordLow), era);
}

/** 1 where fewer results than admitted probes have come in. */
export function probeIsOut(cell: i32, wordLow: i32, wordHigh: i32): i32 {
  load64(cell + CELL_LEDGER);
  if (ledgerIsOf(low(), wordLow) == 0) return 0;
  return ((successesOf(wordHigh) + failuresOf(wordHigh)) | 0) < (low() & LEDGER_ADMITTED_MASK) ? 1 : 0;
}

function ledgerIsOf(ledgerLow: i32, wordLow: i32): i32 {
  return ledgerLow >>> LEDGER_ERA_SHIFT == eraOf(wordLow) ? 1 : 0;
}

/** All probes are out, and the last one has been for as long as the breaker stays open. */
function probesAreLost(policy: i32, ledgerLow: i32, since: i32, now: i32): i32 {
  if ((ledgerLow & LEDGER_ADMITTED_MASK) < get(policy + POLICY_HALF_OPEN_PROBES)) return 0;
  return elapsedMs(now, since) >= get(policy + POLICY_OPEN_DURATION_MS) ? 1 : 0;
}
