// The other side of what is measured: a C program (native/*.c) that does the same without Node. Compiled here, at the first use.
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { NotMeasurableError } from './errors.ts';
import { countAsOwn } from './machine-load.ts';

const FLAGS = ['-O2', '-std=gnu11', '-Wall', '-Wextra', '-pthread'];

/** What the program prints for a loop. */
export interface RawResult {
  readonly elapsedNs: number;
  /** CPU time of the program, all its threads. */
  readonly cpuNs: number;
  readonly successful: number;
  /** Made of the results: that there was work to be timed. */
  readonly checksum: number;
  /** Why the last one that failed did. */
  readonly lastError: string;
}

/** `apps/bench`, from source and from the bundle in `dist`. */
function root(): string {
  return fileURLToPath(new URL('..', import.meta.url));
}

/** @returns `cc (Debian 12.2.0-14) 12.2.0` of the first compiler there is */
function compiler(): { readonly command: string; readonly version: string } {
  const { CC } = process.env;
  const wanted = CC === undefined || CC === '' ? ['cc', 'gcc', 'clang'] : [CC];
  for (const command of wanted) {
    const { status, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    if (status === 0) return { command, version: stdout.split('\n')[0] ?? '' };
  }
  throw new NotMeasurableError(`no C compiler (looked for ${wanted.join(', ')})`);
}

/**
 * Compiles the program unless that has been done: by a hash of sources, compiler and flags.
 * @returns the path of the executable
 * @throws NotMeasurableError where there is no Linux, no compiler or no headers
 */
function compileRaw(): string {
  if (process.platform !== 'linux')
    throw new NotMeasurableError(`the calls in C are those of Linux, and this is ${process.platform}`);
  const folder = join(root(), 'native');
  const sources = readdirSync(folder).toSorted();
  const { command, version } = compiler();
  const hash = createHash('sha256').update(JSON.stringify([version, FLAGS, process.arch]));
  for (const source of sources) hash.update(readFileSync(join(folder, source)));
  const cache = join(root(), 'node_modules', '.cache', 'corelane-bench');
  const file = join(cache, `raw-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(file)) return file;
  mkdirSync(cache, { recursive: true });
  const fresh = `${file}.${process.pid}`; // renamed into place: another group may be at it as well
  const cFiles = sources.filter((source) => source.endsWith('.c')).map((source) => join(folder, source));
  const { status, stderr } = spawnSync(command, [...FLAGS, '-o', fresh, ...cFiles], { encoding: 'utf8' });
  if (status !== 0) {
    const missing = /fatal error: (.*)/.exec(stderr)?.[1];
    if (missing !== undefined) throw new NotMeasurableError(`${version} lacks a header: ${missing}`);
    throw new Error(`${command} failed:\n${stderr}`);
  }
  renameSync(fresh, file);
  return file;
}

/** A running program. Takes one request at a time. */
export class RawProgram {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  #answer: PromiseWithResolvers<string> | undefined;
  #text = '';
  #ended: string | undefined;

  private constructor(file: string) {
    this.#child = spawn(file, [], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#child.pid !== undefined) countAsOwn(this.#child.pid);
    this.#child.stdout.setEncoding('latin1').on('data', (text: string) => this.#take(text));
    this.#child.stdin.on('error', () => undefined); // the program is gone: its exit says why
    this.#child.once('error', ({ message }) => this.#end(message));
    this.#child.once('exit', (code, signal) => this.#end(`ended with ${signal ?? code}`));
  }

  /** @throws NotMeasurableError where there is no Linux, no compiler or no headers */
  static start(): RawProgram {
    return new RawProgram(compileRaw());
  }

  /** @throws NotMeasurableError where the program says that it cannot be done here */
  async request<T extends object>(line: string): Promise<T> {
    if (this.#ended !== undefined) throw new Error(`the C program ${this.#ended}`);
    if (this.#answer) throw new Error('the C program takes one request at a time');
    this.#answer = Promise.withResolvers<string>();
    this.#child.stdin.write(`${line}\n`);
    const answer = JSON.parse(await this.#answer.promise) as
      | T
      | { readonly unavailable: string }
      | { readonly error: string };
    if ('unavailable' in answer) throw new NotMeasurableError(`in C, ${answer.unavailable}`);
    if ('error' in answer) throw new Error(`the C program: ${answer.error}`);
    return answer;
  }

  run(operation: string, operations: number): Promise<RawResult> {
    return this.request(`${operation} ${operations}`);
  }

  [Symbol.dispose](): void {
    this.#child.stdin.end();
  }

  #take(text: string): void {
    this.#text += text;
    const end = this.#text.indexOf('\n');
    if (end < 0) return;
    const line = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + 1);
    this.#answer?.resolve(line);
    this.#answer = undefined;
  }

  #end(reason: string): void {
    this.#ended ??= reason;
    this.#answer?.reject(new Error(`the C program ${reason}`));
    this.#answer = undefined;
  }
}
