// Tasks that wait: how much memory they take, and whether each comes back.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectAll } from '../../collect.ts';
import type { Contestant } from './contestant.ts';

export interface Backlog {
  /** How many were queued. */
  readonly tasks: number;
  readonly successful: number;
  /** Resident memory of the process with all tasks queued, beyond what it was with one task running. */
  readonly queuedBytes: number;
}

function residentBytes(): number {
  collectAll();
  collectAll();
  return process.memoryUsage.rss();
}

/** Queues so many tasks, or as many as the contestant can, behind one that keeps each worker busy, measures, and lets them run. */
export async function queueUp(
  contestant: Contestant,
  workers: number,
  wanted: number,
  resident: () => number = residentBytes,
): Promise<Backlog> {
  // One that holds each worker is under way as well.
  const tasks = Math.min(wanted, (contestant.mostPending ?? Infinity) - workers);
  const directory = mkdtempSync(join(tmpdir(), 'corelane-held-'));
  try {
    const held = Array.from({ length: workers }, () => contestant.holdWhile(directory));
    const before = resident();
    const results = Array.from({ length: tasks }, (_, n) => contestant.double(n));
    // What is sent at the end of a tick is part of it.
    await new Promise((resolve) => setImmediate(resolve));
    const queuedBytes = resident() - before;
    rmSync(directory, { recursive: true });
    await Promise.all(held);
    let successful = 0;
    for (let n = 0; n < tasks; n++) if ((await results[n]) === 2 * n) successful++;
    return { tasks, successful, queuedBytes };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
