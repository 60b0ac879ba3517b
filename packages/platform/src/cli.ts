#!/usr/bin/env node
import process from 'node:process';
import { runTopologyCommand } from './command.ts';

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') return; // a reader that has seen enough (`| head`) is no failure
  process.stderr.write(`corelane-topology: ${error.message}\n`);
  process.exitCode = 1;
});
const { exitCode, stdout, stderr } = runTopologyCommand(process.argv.slice(2));
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = exitCode;
