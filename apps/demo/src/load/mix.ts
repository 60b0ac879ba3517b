// Which request comes next. Seeded, so that two runs send the same sequence.
import type { Kind } from './kinds.ts';
import type { Template, Templates } from './templates.ts';

/** Shares of all requests; the rest are plain webhooks, each payload in turn. */
const SHARES: readonly (readonly [Kind, number])[] = [
  ['compressed webhook', 0.02],
  ['flood', 0.02],
  ['bad signature', 0.01],
  ['no signature', 0.0025],
  ['gzip bomb', 0.002],
  ['zstd bomb', 0.001],
  ['br bomb', 0.0005],
  ['deflate bomb', 0.0005],
  ['zip bomb', 0.0005],
  ['xz bomb', 0.0005],
  ['broken stream', 0.002],
  ['misdeclared', 0.001],
  ['malformed', 0.005],
  ['too deep', 0.0025],
  ['oversized', 0.0025],
  ['unknown source', 0.005],
  ['naughty name', 0.0075],
];

export class Mix {
  readonly #templates: Templates;
  readonly #hostile: boolean;
  readonly #turns = new Map<Kind, number>();
  #state: number;

  constructor(templates: Templates, options: { readonly seed: number; readonly hostile: boolean }) {
    this.#templates = templates;
    this.#hostile = options.hostile;
    this.#state = options.seed >>> 0;
  }

  next(): Template {
    if (this.#hostile) {
      let left = this.#random();
      for (const [kind, share] of SHARES) {
        left -= share;
        if (left < 0) return this.#inTurn(kind, this.#templates.hostile.get(kind) ?? []);
      }
    }
    return this.#inTurn('webhook', this.#templates.webhooks);
  }

  #inTurn(kind: Kind, list: readonly Template[]): Template {
    const turn = this.#turns.get(kind) ?? 0;
    this.#turns.set(kind, turn + 1);
    const template = list[turn % list.length];
    if (template === undefined)
      throw new RangeError(`templates of kind ${kind}: 0 found, expected at least 1`);
    return template;
  }

  /** mulberry32: 0 up to 1. */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }
}
