// Comments that say where checkpoints are not wanted: before a loop, a function or another statement, which is left alone with all that is in it; or for the whole file.
import type { SourceFile } from './syntax.ts';

const HERE = /^\s*no checkpoints\s*$/;
const FILE = /^\s*no checkpoints: file\s*$/;

/** @returns where nodes begin that are left alone, or undefined: the whole file is */
export function skippedNodes(code: string, { comments }: SourceFile): ReadonlySet<number> | undefined {
  const ends = new Map(comments.map(({ start, end }) => [start, end]));
  const starts = new Set<number>();
  for (const { value, end } of comments) {
    if (FILE.test(value)) return undefined;
    if (HERE.test(value)) starts.add(nextToken(code, end, ends));
  }
  return starts;
}

/** Behind white space and comments. */
function nextToken(code: string, from: number, ends: ReadonlyMap<number, number>): number {
  let at = from;
  for (;;) {
    const end = ends.get(at);
    if (end !== undefined) at = end;
    else if (/\s/.test(code[at] ?? '')) at++;
    else return at;
  }
}
