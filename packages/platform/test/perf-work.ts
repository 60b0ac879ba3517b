/** Things that can be counted, in amounts that are known. */
import { readFileSync } from 'node:fs';
import process from 'node:process';

const PAGE_BYTES = 4096;

/** Keeps what was touched: freed memory would be given out again without a fault. */
const kept: Uint8Array[] = [];

/** Writes to each page of memory that nobody has touched. */
export function touch(bytes: number): void {
  const fresh = new Uint8Array(new SharedArrayBuffer(bytes));
  for (let at = 0; at < bytes; at += PAGE_BYTES) fresh[at] = 1;
  kept.push(fresh);
}

/** The faults that `touch` takes at least: with huge pages everywhere, one in 2 MiB; with pages of 64 KiB, one in that. */
export function leastFaults(bytes: number): number {
  let always = true;
  try {
    always = readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').includes('[always]');
  } catch {
    always = process.platform !== 'linux';
  }
  const perFault = always ? 2 * 1024 * 1024 : process.arch === 'x64' ? PAGE_BYTES : 65_536;
  return Math.floor((bytes / perFault) * 0.9);
}

/** Runs for so long, by the clock on the wall. */
export function spin(ms: number): number {
  const end = performance.now() + ms;
  let turns = 0;
  while (performance.now() < end) turns++;
  return turns;
}

/** Runs until this thread has used so much of the processor, however many others do; of Node 22, which has no clock for it, the process. */
export function burn(ms: number): void {
  const { threadCpuUsage } = process as Partial<NodeJS.Process>;
  const usedMs = (): number => {
    const { user, system } = threadCpuUsage?.call(process) ?? process.cpuUsage();
    return (user + system) / 1e3;
  };
  const end = usedMs() + ms;
  while (usedMs() < end);
}

/** Leaves the processor so many times: nobody ever notifies. */
export function block(times: number): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  for (let i = 0; i < times; i++) Atomics.wait(cell, 0, 0, 1);
}
