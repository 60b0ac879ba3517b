/**
 * For how long a thread ran.
 *
 * The addon asks the kernel's clock of that thread: exact, while it runs too. Without it, /proc has what was booked at the last switch or
 * tick: up to 10 ms behind for a thread that is running. Nanoseconds fit a double exactly for 104 days of running; beyond, to the nearest 2.
 */
import type { Answer } from '../answer.ts';
import { unsupported, verified } from '../answer.ts';
import { PlatformDisposedError, PlatformOptionError } from '../errors.ts';
import type { NativeThreads } from './native-threads.ts';
import { shown } from '../shown.ts';
import type { ThreadFile, ThreadHost } from './thread-host.ts';
import { thisThreadHost } from './thread-host.ts';
import { checkThread, noThread, notLinux, threadDirectory, threadRefused, threadText } from './thread-id.ts';
import { readThreadStat } from './thread-stat.ts';

const TICK_NS = 10_000_000;
const DIGIT = { zero: 48, nine: 57 };
/** Three decimal numbers of 64 bits, with room. */
const SCHEDSTAT_BYTES = 96;

/**
 * CPU time of a thread of this process in nanoseconds. Without `tid`, of the calling thread. Whoever asks often keeps a ThreadClock.
 */
export function threadCpuTimeNs(tid?: number, host: ThreadHost = thisThreadHost()): Answer<number> {
  const call = `clock_gettime(CPU time of ${threadText(tid)})`;
  const { addon } = host.native;
  // Where threads have no ids, the caller still has its own clock.
  const problem =
    addon === null && tid === undefined && notLinux(host) !== undefined
      ? undefined
      : checkThread(host, call, tid);
  if (problem !== undefined) return problem;
  if (addon !== null) {
    const ns = addon.threadCpuTimeNs(tid ?? 0);
    return ns < 0 ? threadRefused(call, ns, tid) : verified(ns);
  }
  const ns = cpuTimeByFiles(host, tid) ?? (tid === undefined ? host.cpuTimeNs() : undefined);
  if (ns !== undefined) return verified(ns);
  const stat = readThreadStat(host, tid);
  if (stat !== undefined) return verified(stat.ticks * TICK_NS);
  return unsupported(
    `${call} needs the addon, /proc or process.threadCpuUsage (Node 23.9), and ${host.native.reason}`,
  );
}

/** By schedstat, which kernels have that were built with CONFIG_SCHED_INFO: all of the distributions'. Else it is there, and all of it 0. */
function cpuTimeByFiles(host: ThreadHost, tid: number | undefined): number | undefined {
  const text = host.fs.readFile(`${threadDirectory(tid)}/schedstat`);
  const digits = /^([0-9]{1,20}) [0-9]+ [1-9]/.exec(text ?? '')?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Closes the file of a clock that was dropped without being disposed. Node runs it some time after collecting, or never. */
const dropped = new FinalizationRegistry<ThreadFile>((file) => {
  file.close();
});

/**
 * The CPU clock of one thread, for those who read it all the time: a read costs little more than the system call, and allocates nothing.
 * An id may be reused after its thread ended; a clock that reads by the addon would then show the new thread.
 */
export class ThreadClock {
  /** The thread, `null` where its id is not to be had (not Linux, or no /proc): then the one that opened the clock. */
  readonly tid: number | null;
  /** It counts what the thread does, not how long it lives: as the port `CpuClock` of scheduler asks. */
  readonly source = 'thread' as const;
  readonly #addon: NativeThreads | null;
  readonly #file: ThreadFile | null;
  readonly #host: ThreadHost;
  readonly #cell = new Float64Array(1);
  readonly #text = new Uint8Array(SCHEDSTAT_BYTES);
  readonly #address: number;
  #disposed = false;

  private constructor(host: ThreadHost, tid: number | null, file: ThreadFile | null) {
    this.#host = host;
    this.#addon = host.native.addon;
    this.#file = file;
    this.tid = tid;
    this.#address = tid ?? 0;
    if (file !== null) dropped.register(this, file, this);
  }

  /** Without `tid`, the clock of the calling thread; others of its process may not use the object, but can open their own by its id. */
  static open(tid?: number, host: ThreadHost = thisThreadHost()): Answer<ThreadClock> {
    const first = threadCpuTimeNs(tid, host);
    if (first.status !== 'verified') return first;
    const { addon } = host.native;
    if (addon !== null) return verified(new ThreadClock(host, tid ?? addon.threadId(), null));
    if (notLinux(host) !== undefined) return verified(new ThreadClock(host, null, null));
    const stat = readThreadStat(host, tid);
    if (stat === undefined && tid !== undefined) return noThread('opening its clock', tid);
    const path = `${threadDirectory(tid)}/schedstat`;
    const file = cpuTimeByFiles(host, tid) === undefined ? undefined : host.open(path);
    if (stat !== undefined && file !== undefined) return verified(new ThreadClock(host, stat.tid, file));
    file?.close();
    if (tid === undefined && host.cpuTimeNs() !== undefined)
      return verified(new ThreadClock(host, stat?.tid ?? null, null));
    return unsupported(`${path} cannot be opened, or does not tell, and ${host.native.reason}`);
  }

  /**
   * Nanoseconds of CPU time so far; NaN once the thread has ended. Allocates nothing where V8 inlines the call, and else the number that it returns.
   * @throws PlatformDisposedError
   */
  readNs(): number {
    this.readInto(this.#cell, 0);
    return this.#cell[0] ?? Number.NaN;
  }

  /**
   * The same in milliseconds.
   * @throws PlatformDisposedError
   */
  nowMs(): number {
    return this.readNs() / 1e6;
  }

  /**
   * `readNs`, written to `target[index]`. With the addon this allocates nothing, ever; without it, what reading a file takes.
   * @throws PlatformDisposedError
   * @throws PlatformOptionError for what is no Float64Array, and an index outside of it
   */
  readInto(target: Float64Array, index: number): void {
    if (this.#disposed) throw new PlatformDisposedError('the thread clock');
    // Of another type, the number would be written across elements.
    if (!(target instanceof Float64Array) || !Number.isInteger(index) || index < 0 || index >= target.length)
      throw outside(target, index);
    if (this.#addon === null) {
      target[index] = this.#readFile();
      return;
    }
    this.#addon.threadCpuTimeInto(this.#address, target, index * Float64Array.BYTES_PER_ELEMENT);
    if ((target[index] ?? 0) < 0) target[index] = Number.NaN;
  }

  #readFile(): number {
    if (this.#file === null) return this.#host.cpuTimeNs() ?? Number.NaN;
    const length = this.#file.read(this.#text);
    return length > 0 ? leadingNumber(this.#text, length) : Number.NaN;
  }

  /** Harmless when repeated. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    dropped.unregister(this);
    this.#file?.close();
  }
}

function outside(target: Float64Array, index: number): PlatformOptionError {
  if (!(target instanceof Float64Array))
    return new PlatformOptionError('target', `must be a Float64Array, found ${shown(target)}`);
  return new PlatformOptionError(
    'index',
    `${shown(index)} is no index of the ${target.length} numbers of target`,
  );
}

function leadingNumber(text: Uint8Array, length: number): number {
  let value = 0;
  for (let at = 0; at < length; at++) {
    const digit = text[at] ?? 0;
    if (digit < DIGIT.zero || digit > DIGIT.nine) break;
    value = value * 10 + (digit - DIGIT.zero);
  }
  return value;
}
