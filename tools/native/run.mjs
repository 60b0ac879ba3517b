// Runs commands, as many at a time as the machine has processors; the others wait in line.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';

let free = availableParallelism();
const line = [];

function turn() {
  if (free > 0) {
    free--;
    return undefined;
  }
  return new Promise((resolve) => line.push(resolve));
}

function pass() {
  const next = line.shift();
  if (next === undefined) free++;
  else next();
}

/**
 * @param {{ env?: NodeJS.ProcessEnv, timeout?: number }} options
 * @returns {Promise<{ status: number | string, stdout: string, stderr: string }>} the exit code, or the signal that ended it
 */
export async function run(command, args, options = {}) {
  await turn();
  try {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    const [code, signal] = await once(child, 'close');
    return { status: code ?? signal, stdout, stderr };
  } finally {
    pass();
  }
}
