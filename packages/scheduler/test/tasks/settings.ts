// What a worker was started with, as its tasks see it.
import { getPriority } from 'node:os';
import { readlinkSync } from 'node:fs';
import * as threads from 'node:worker_threads';
import { defineTasks } from '../../src/index.ts';

export const settings = defineTasks(import.meta.url, {
  ofProcess: () => ({ argv: process.argv.slice(2), env: { ...process.env } }),
  threadName: () => (threads as { threadName?: string }).threadName ?? '(not on this version)',
  print(text: string): void {
    console.log(text);
  },
  niceness: () => ({
    process: getPriority(process.pid),
    thread:
      process.platform === 'linux'
        ? getPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)))
        : 0,
  }),
  send(message: unknown): void {
    threads.parentPort?.postMessage(message);
  },
  listen(): void {
    threads.parentPort?.on('message', (message: unknown) =>
      threads.parentPort?.postMessage(`heard ${String(message)}`),
    );
  },
});
