// A fresh process that touches memory for the first time, once: node touch-process.js MODE BYTES
import { hugePages, prefaultMemory, releaseMemory, residency, type Answer } from '@corelane/platform';
import { nowNs } from '../../clock.ts';
import { STEP_BYTES, type TouchFigures, type TouchMode, type TouchState } from './touch-figures.ts';

const [, , mode, size] = process.argv as [string, string, TouchMode, string];
const RANDOM_READS = 1 << 20;
const WARM_UP_BYTES = 16 << 20;

/** Page-aligned, and fixed in its length: see the README of platform. */
function allocate(bytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(bytes, { maxByteLength: bytes }), 0, bytes);
}

function must<T>(answer: Answer<T>): T {
  if (answer.status === 'verified') return answer.value;
  throw new Error(`${answer.status}: ${answer.reason}`);
}

function prepare(memory: Uint8Array, how: TouchMode): void {
  if (how.includes('huge')) must(hugePages(memory, 'advise'));
  if (how.includes('prefault')) must(prefaultMemory(memory, { write: true }));
  if (how === 'fill') memory.fill(0);
}

function write(memory: Uint8Array): void {
  for (let at = 0; at < memory.length; at += STEP_BYTES) memory[at] = 1;
}

function countWritten(memory: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < memory.length; at += STEP_BYTES) sum += memory[at] ?? 0;
  return sum;
}

/** @returns sum of what was read, so that it is read */
function readAtRandom(memory: Uint8Array, reads: number): number {
  const last = memory.length - 1; // a power of two less one
  let sum = 0;
  let at = 1;
  for (let read = 0; read < reads; read++) {
    at = (Math.imul(at, 1664525) + 1013904223) | 0;
    sum += memory[at & last] ?? 0;
  }
  return sum;
}

function warmUp(): void {
  const memory = allocate(WARM_UP_BYTES);
  for (let round = 0; round < 10; round++) {
    write(memory);
    countWritten(memory);
    readAtRandom(memory, RANDOM_READS / 10);
  }
  // What is not there is the answer's to say, and not a failure of warming up.
  if (mode.includes('huge')) hugePages(memory, 'advise');
  if (mode.includes('prefault')) prefaultMemory(memory, { write: true });
  releaseMemory(memory);
}

function faults(): number {
  return process.resourceUsage().minorPageFault;
}

/** Share of the pages that are there, or null where this machine does not tell. */
function residentShare(memory: Uint8Array): { share: number | null; hugeBytes: number | null } {
  const found = residency(memory);
  if (found.status !== 'verified') return { share: null, hugeBytes: null };
  const { residentPages, pages, hugeBytes } = found.value;
  return { share: residentPages / pages, hugeBytes };
}

function measure(bytes: number): TouchFigures & TouchState {
  warmUp();
  const memory = allocate(bytes);
  const faultsBefore = faults();
  const start = nowNs();
  prepare(memory, mode);
  const prepared = nowNs();
  write(memory);
  const touched = nowNs();
  const faultsAfter = faults();
  const written = countWritten(memory);
  const reading = nowNs();
  const sum = readAtRandom(memory, RANDOM_READS);
  const randomReadNs = (nowNs() - reading) / RANDOM_READS;
  const { share: resident, hugeBytes } = residentShare(memory);
  const releasing = nowNs();
  const answer = releaseMemory(memory);
  const end = nowNs();
  const { share: residentAfter } = residentShare(memory);
  return {
    prepareNs: prepared - start,
    touchNs: touched - prepared,
    releaseNs: end - releasing,
    faults: faultsAfter - faultsBefore,
    written,
    released: answer.status === 'verified',
    resident,
    hugeBytes,
    residentAfter,
    isZeroAfter: countWritten(memory) === 0,
    randomReadNs: sum < 0 ? Number.NaN : randomReadNs,
  };
}

console.log(JSON.stringify(measure(Number(size))));
