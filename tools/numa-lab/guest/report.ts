/** Speaks with the lab: JSON lines on file descriptor 3, which /init opened on the serial port for results. */
import { writeSync } from 'node:fs';
import type { GuestEvent, Verdict } from '../src/guest-event.ts';
import { Mismatch } from './suite.ts';
import type { LabTest, Suite } from './suite.ts';

const PROTOCOL = 1;
const RESULTS = 3;

export function hello(tests: number, about: { node: string; kernel: string; addon: string }): void {
  say({ event: 'hello', protocol: PROTOCOL, ...about, tests });
}

export async function runTest(suite: Suite, { name, asked, run }: LabTest): Promise<void> {
  say({ event: 'begin', suite: suite.name, test: name });
  const started = performance.now();
  let verdict: Verdict = 'passed';
  let readBack: string;
  try {
    readBack = await run();
  } catch (error) {
    verdict = 'failed';
    if (error instanceof Mismatch) readBack = error.message;
    else readBack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const durationMs = Math.round(performance.now() - started);
  say({ event: 'result', suite: suite.name, test: name, asked, readBack, verdict, durationMs });
}

export function end(): void {
  say({ event: 'end' });
}

function say(event: GuestEvent): void {
  const line = Buffer.from(`${JSON.stringify(event)}\n`);
  for (let written = 0; written < line.byteLength;) written += writeSync(RESULTS, line, written);
}
