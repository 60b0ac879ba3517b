// What a process is called in a list of those that serve.
import { sep } from 'node:path';

/**
 * Its title where the program has set one. Else that is the path of Node, as for all others: then the program, with its folder (`node shop/main.js`).
 */
export function processTitle({
  title,
  argv0,
  argv,
}: Pick<NodeJS.Process, 'title' | 'argv0' | 'argv'>): string {
  const [, program] = argv;
  return title === argv0 && program !== undefined ? `node ${lastOf(program, 2)}` : title;
}

function lastOf(path: string, parts: number): string {
  return path.split(sep).filter(Boolean).slice(-parts).join('/');
}
