/** Cuts what comes from the serial port into events. */
import { StringDecoder } from 'node:string_decoder';
import { LabError } from './errors.ts';
import type { GuestEvent } from './guest-event.ts';
import { parseGuestEvent } from './guest-event.ts';

const MAX_LINE_CHARACTERS = 1 << 20;

export class GuestStream {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /**
   * Events whose lines are complete by now. A terminal may end lines with \r\n; empty lines mean nothing.
   * @throws LabError `ERR_LAB_PROTOCOL` for a line that is no event, or has over a million characters.
   */
  push(chunk: Uint8Array): GuestEvent[] {
    const lines = (this.#rest + this.#decoder.write(Buffer.from(chunk))).split('\n');
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > MAX_LINE_CHARACTERS)
      throw new LabError(
        'ERR_LAB_PROTOCOL',
        `a line from the machine has ${this.#rest.length} characters so far, at most ${MAX_LINE_CHARACTERS} expected`,
      );
    return lines
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map(parseGuestEvent);
  }

  /** What came after the last line end: a machine that was cut off. */
  get unfinished(): string {
    return this.#rest.trim();
  }
}
