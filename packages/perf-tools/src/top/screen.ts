// The terminal while corelane-top has it: the other screen, no cursor, keys one by one. It is given back however the program ends, but for SIGKILL.
import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Line, Size } from './frame.ts';
import { asciiOnly, hasUtf8 } from './text-width.ts';
import type { Key } from './view.ts';

const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l'; // other screen, no cursor, no wrapping
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l';
const HOME = '\u001B[H';
/** Before the text: after it, it would take the letter in the last column with it. */
const CLEAR_LINE = '\u001B[K';
const CLEAR_BELOW = '\u001B[J';
/** Terminals that know it show what is between in one step; the others ignore it. */
const SYNC = ['\u001B[?2026h', '\u001B[?2026l'] as const;

const LOOKS = { strong: 'bold', faint: 'dim', heading: 'inverse' } as const;
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

export interface ScreenEvents {
  readonly onKey: (key: Key) => void;
  /** The size is another one, or the screen is back after the program was stopped. */
  readonly onResize: () => void;
  /** @param exitCode by convention 128 and the number of the signal */
  readonly onSignal: (exitCode: number) => void;
}

export class Screen {
  readonly #input: ReadStream;
  readonly #output: WriteStream;
  readonly #onResize: () => void;
  readonly #undo: (() => void)[] = [];
  #isEntered = false;
  #isDisposed = false;

  constructor(input: ReadStream, output: WriteStream, { onKey, onResize, onSignal }: ScreenEvents) {
    this.#input = input;
    this.#output = output;
    this.#onResize = onResize;
    emitKeypressEvents(input);
    const pressed = (_text: string | undefined, key: Key): void => onKey(key);
    this.#on(input, 'keypress', pressed);
    this.#on(output, 'resize', onResize);
    this.#on(process, 'SIGCONT', () => this.#resume());
    // A terminal that is closed: SIGHUP says so, too.
    // Not undone: giving back a terminal that is gone is an error, too.
    input.on('error', () => onSignal(128 + SIGNALS.SIGHUP));
    this.#on(input, 'end', () => onSignal(128 + SIGNALS.SIGHUP));
    for (const [signal, number] of Object.entries(SIGNALS))
      this.#on(process, signal, () => onSignal(128 + number));
    // What nobody catches ends the process by way of this event, too.
    this.#on(process, 'exit', () => this.#leave());
    this.#enter();
  }

  get size(): Size {
    // A terminal that says 0 knows no better: serial lines, pipes that pose as one.
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  paint(lines: readonly Line[]): void {
    if (!this.#isEntered) return;
    const isPlain = !hasUtf8(process.env);
    const text = lines.map(({ text: line, look }) => {
      const plain = isPlain ? asciiOnly(line) : line;
      // Respects NO_COLOR and what the stream can do.
      const styled = look === 'plain' ? plain : styleText(LOOKS[look], plain, { stream: this.#output });
      return CLEAR_LINE + styled;
    });
    this.#output.write(`${SYNC[0]}${HOME}${text.join('\r\n')}${CLEAR_BELOW}${SYNC[1]}`);
  }

  /** As Ctrl-Z does elsewhere: until somebody continues it. Where nobody could, the system does not stop it. */
  suspend(): void {
    this.#leave();
    process.kill(0, 'SIGTSTP'); // whoever started it in the same group waits with it
    setImmediate(() => this.#resume());
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    for (const undo of this.#undo.splice(0)) undo();
    this.#leave();
    this.#input.pause().unref();
  }

  #on(emitter: NodeJS.EventEmitter, event: string, listener: (...args: never[]) => void): void {
    const untyped: () => void = listener;
    emitter.on(event, untyped);
    this.#undo.push(() => void emitter.off(event, untyped));
  }

  #resume(): void {
    if (this.#isDisposed || this.#isEntered) return;
    this.#enter();
    this.#onResize();
  }

  #enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    this.#input.setRawMode(true);
    this.#input.resume();
    this.#output.write(ENTER);
  }

  #leave(): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#input.setRawMode(false);
    this.#output.write(LEAVE);
  }
}
