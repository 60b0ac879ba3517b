// Text that comes in pieces, as lines of a limited length.

export class LineSplitter {
  readonly #maxLength: number;
  #pieces: string[] = [];
  #length = 0;

  /** @param maxLength in UTF-16 units, without the line feed */
  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /**
   * The lines that a piece ends. What is after the last line feed waits for the next piece: looked at once, however many pieces come.
   * @returns undefined where a line is too long: there is no way to go on
   */
  push(text: string): string[] | undefined {
    const lines: string[] = [];
    let from = 0;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      if (!this.#keep(text.slice(from, end))) return undefined;
      lines.push(this.#pieces.join(''));
      this.#pieces = [];
      this.#length = 0;
      from = end + 1;
    }
    return this.#keep(text.slice(from)) ? lines : undefined;
  }

  #keep(piece: string): boolean {
    this.#length += piece.length;
    if (this.#length > this.#maxLength) return false;
    if (piece !== '') this.#pieces.push(piece);
    return true;
  }
}
