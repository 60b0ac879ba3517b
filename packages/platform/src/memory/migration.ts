/** Moving the pages of a range to a node (move_pages). Pages are busy now and then, hence several rounds, and a count of what is left. */
import type { Answer } from '../answer.ts';
import { refused, verified } from '../answer.ts';
import type { MemoryMachine } from './machine.ts';
import { nodeErrorHint, numaHint } from './node-hint.ts';
import { checkNode } from './options.ts';
import type { MemoryRange } from './range.ts';
import { onRange, part, persist } from './range.ts';
import { countPages } from './residency.ts';

export interface Migration {
  readonly node: number;
  /** Pages there, every one on `node`. Pages that are not there are not made. */
  readonly residentPages: number;
  /** How many of them lay elsewhere before. */
  readonly movedPages: number;
}

/** Guessed: what holds a page (a copy by the kernel, a batch that waits for the list) lets go within microseconds. */
const ROUNDS = 8;
const PART_PAGES = 4096;

export function migrate(machine: MemoryMachine, view: ArrayBufferView, node: number): Answer<Migration> {
  checkNode(node);
  return onRange(machine, view, (range) => {
    let elsewhere: number | undefined;
    for (let round = 0; ; round++) {
      const counts = countPages(range);
      if (typeof counts === 'number') return refused(range.shown('move_pages'), counts, numaHint(counts));
      const there = counts.byNode.get(node) ?? 0;
      elsewhere ??= counts.pages - there;
      const done = there === counts.pages;
      if (done && round > 0) return verified({ node, residentPages: there, movedPages: elsewhere });
      if (round === ROUNDS)
        return {
          status: 'refused',
          errno: 'EBUSY',
          reason: `${range.shown('move_pages', `node ${node}`)} left ${counts.pages - there} of ${counts.pages} resident pages elsewhere after ${ROUNDS} rounds: they are pinned, or the node is full; those that moved stay there`,
        };
      // A page is asked for even where there is nothing to move: the kernel alone knows whether there is such a node.
      const result = movePages(range, node, done ? 1 : range.pages);
      if (result < 0)
        return refused(
          range.shown('move_pages', `node ${node}`),
          result,
          nodeErrorHint(machine, [node], result),
        );
    }
  });
}

/** The first `pages` of the range. */
function movePages(range: MemoryRange, node: number, pages: number): number {
  const status = new Int32Array(Math.min(PART_PAGES, pages));
  for (let from = 0; from < pages; from += PART_PAGES) {
    const count = Math.min(PART_PAGES, pages - from);
    const where = part(range, from * range.pageBytes, count * range.pageBytes);
    const result = persist(() => range.addon.memoryMove(...where, status, node));
    if (result < 0) return result;
  }
  return 0;
}
