// Reading a 64-bit word from JavaScript: one atomic load here, then its halves through `low` and `high` of the seam.
import { load64 } from '@corelane/shared-memory/kernel/atomics';

export function observe(at: i32): void {
  load64(at);
}
