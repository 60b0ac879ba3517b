#!/usr/bin/env node
import { runTop } from './top/run-top.ts';

// Who reads a pipe may leave at any time, and a terminal may be closed.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  process.exit();
});
async function main(): Promise<void> {
  process.exitCode = await runTop(process.argv.slice(2));
}

void main();
