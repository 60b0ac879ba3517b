/**
 * What /proc says of one thread, read again and again without allocating: the files stay open, and numbers are parsed from the bytes.
 * A file that is open stays with its thread, and answers nothing once it ended, even if its id is used again.
 */
import type { PerfMachine } from './machine.ts';

/** The longest, `sched`, has some 2 KB; `status` grows with the number of processors. */
const FILE_BYTES = 16_384;
const NEWLINE = 10;
const DIGIT_0 = 48;
const DIGIT_9 = 57;
const SPACE = 32;
const CLOSING = 41;

export class TaskFile {
  readonly path: string;
  readonly #machine: PerfMachine;
  readonly #descriptor: number;
  readonly #bytes = Buffer.allocUnsafe(FILE_BYTES);
  #length = 0;

  /** The file, or the name of the kernel's error. */
  static open(machine: PerfMachine, tid: number, name: string): TaskFile | string {
    const path = `/proc/self/task/${tid}/${name}`;
    const descriptor = machine.openFile(path);
    return typeof descriptor === 'string' ? descriptor : new TaskFile(machine, path, descriptor);
  }

  constructor(machine: PerfMachine, path: string, descriptor: number) {
    this.#machine = machine;
    this.path = path;
    this.#descriptor = descriptor;
  }

  /** Reads it anew. `false`: nothing came, the thread is gone. */
  refresh(): boolean {
    this.#length = Math.max(0, this.#machine.readFile(this.#descriptor, this.#bytes));
    return this.#length > 0;
  }

  /** Field `number` as proc(5) counts them in `stat`, from 3. The name before them may hold anything, `)` too. */
  statField(number: number): number {
    let at = this.#length - 1;
    while (at >= 0 && this.#bytes[at] !== CLOSING) at--;
    if (at < 0) return Number.NaN;
    at += 2;
    for (let field = 3; field < number; field++) {
      while (at < this.#length && this.#bytes[at] !== SPACE) at++;
      at++;
    }
    return this.#numberAt(at);
  }

  /** Field `index` of a file that is one line of numbers. */
  word(index: number): number {
    let at = 0;
    for (let word = 0; word < index; word++) {
      while (at < this.#length && this.#bytes[at] !== SPACE) at++;
      at++;
    }
    return this.#numberAt(at);
  }

  /** The number on the line that begins with `key`, after any number of spaces, tabs and one colon. */
  labelled(key: Uint8Array): number {
    let line = 0;
    while (line < this.#length) {
      if (this.#startsWith(line, key)) return this.#numberAt(this.#skipLabel(line + key.length));
      while (line < this.#length && this.#bytes[line] !== NEWLINE) line++;
      line++;
    }
    return Number.NaN;
  }

  close(): void {
    this.#machine.closeFile(this.#descriptor);
  }

  #startsWith(at: number, key: Uint8Array): boolean {
    for (let i = 0; i < key.length; i++)
      if (at + i >= this.#length || this.#bytes[at + i] !== key[i]) return false;
    return true;
  }

  #skipLabel(from: number): number {
    let at = from;
    while (at < this.#length) {
      const byte = this.#bytes[at] ?? NEWLINE;
      if (byte === NEWLINE || (byte >= DIGIT_0 && byte <= DIGIT_9)) break;
      at++;
    }
    return at;
  }

  #numberAt(from: number): number {
    let value = 0;
    let at = from;
    for (; at < this.#length; at++) {
      const byte = this.#bytes[at] ?? 0;
      if (byte < DIGIT_0 || byte > DIGIT_9) break;
      value = value * 10 + (byte - DIGIT_0);
    }
    return at === from ? Number.NaN : value;
  }
}
