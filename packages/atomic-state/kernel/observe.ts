// Reading a 64-bit word from JavaScript: one atomic load here, then its halves through `low` and `high` of the seam.
import { load64 } from '@corelane/shared-memory/kernel/atomics';
import { CELL_LEDGER, CELL_REFILL, CELL_WORD } from './layout.generated.ts';

export function observeWord(cell: i32): void {
  load64(cell + CELL_WORD);
}

export function observeLedger(cell: i32): void {
  load64(cell + CELL_LEDGER);
}

export function observeRefill(cell: i32): void {
  load64(cell + CELL_REFILL);
}
