// A read section of an RCU cell, and what it shows.
import { SectionEndedError } from './errors.ts';

/** One version of the payload. Readers must not write to it. */
export interface RcuView {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly f64: Float64Array;
}

/** What an RCU guard is of. */
interface Section {
  exit(): void;
}

/** A read section: `using guard = cell.read()` ends it with the block. Ending it twice is harmless. */
export class RcuGuard {
  #view: RcuView | undefined;
  readonly #cell: Section;

  constructor(cell: Section, view: RcuView) {
    this.#cell = cell;
    this.#view = view;
  }

  /** What was current when the section began. @throws SectionEndedError */
  get view(): RcuView {
    if (this.#view === undefined) throw new SectionEndedError();
    return this.#view;
  }

  end(): void {
    if (this.#view === undefined) return;
    this.#view = undefined;
    this.#cell.exit();
  }

  [Symbol.dispose](): void {
    this.end();
  }
}
