// Puts checkpoints into a loop, as cheap as can be. Measured: `npm run costs`.
//
// A turn that calls something counts for itself: `if (--left < 0) left = look();`, a variable of the module, is 1 ns. Where turns are a few instructions that would double the time of the
// loop, and a call anywhere in it makes V8 keep variables of the loop in memory: nothing may be added there but a comparison. Such a loop becomes two, of which the inner one
// makes 1024 turns at most, and the outer one has the checkpoint:
//
//   for (let i = 0; i < a.length; i++) sum += a[i];
//   for (let i = 0;;) { const stop = i + 1024; for (; !(i >= stop) && (i < a.length); i++) { sum += a[i]; } if (!(i >= stop)) break; if ((left -= 16) < 0) left = look(); }
//
// It is made of these alone that have no closures: one might keep the variables of a turn. The test is evaluated as often as before, in the same order. `break` becomes one with a label;
// `continue` stays, being one of the inner loop.
//
// Tried: a counter of the module in each turn (+65 to 300 % on loops of 0.5 to 1 ns), a property of an imported object (+80 to 300 %), a call (+60 to 300 %), a local counter with a call in the loop
// (+20 to 300 %), a counter that lives across inner and outer loop (+60 to 300 %); this one +0 to 25 %.
import type MagicString from 'magic-string';
import type { Bindings } from './bindings.ts';
import { countedLoop } from './counted-loop.ts';
import type { Names } from './names.ts';
import type { LoopSite } from './survey.ts';
import { child, type Node } from './syntax.ts';

/** What many turns count for in which nothing is called: some 64 are as long as one that calls. Guessed. */
const WEIGHT = 16;

export class LoopEdits {
  readonly #text: MagicString;
  readonly #names: Names;
  readonly #turns: number;
  readonly #bindings: Bindings;
  /** A turn that calls something. */
  readonly #checkTurn: string;
  /** Many that do not. */
  readonly #checkTurns: string;

  /** @param turns between two checkpoints where nothing is called: a power of two */
  constructor(text: MagicString, names: Names, bindings: Bindings, turns: number) {
    const { left, look } = names;
    this.#text = text;
    this.#names = names;
    this.#turns = turns;
    this.#bindings = bindings;
    this.#checkTurn = `if (--${left} < 0) ${left} = ${look}();`;
    this.#checkTurns = `if ((${left} -= ${WEIGHT}) < 0) ${left} = ${look}();`;
  }

  /** Loops around it come first. */
  add(site: LoopSite): void {
    const { node } = site;
    if (site.hasLoop || site.hasCall) this.#inBody(node, ` ${this.#checkTurn}`);
    else if (node.type === 'ForOfStatement' || node.type === 'ForInStatement') this.#countTurns(site);
    else this.#splitUp(site);
  }

  /** At the begin of each turn. */
  #inBody(loop: Node, check: string): void {
    const body = child(loop, 'body') as Node;
    if (body.type === 'BlockStatement') this.#text.appendRight(body.start + 1, check);
    else this.#wrap(body, `{${check} `, ' }');
  }

  /** Of a loop whose iterator can not be taken up again. */
  #countTurns({ node, start }: LoopSite): void {
    const { turns } = this.#names;
    this.#wrap({ start, end: node.end }, `{ let ${turns} = 0; `, ' }');
    this.#inBody(node, ` if ((${turns} = (${turns} + 1) & ${this.#turns - 1}) === 0) ${this.#checkTurns}`);
  }

  /** Into an outer and an inner loop. There are no other edits within its head: nothing is in it that has any. */
  #splitUp(site: LoopSite): void {
    const { node } = site;
    const text = this.#text;
    const body = child(node, 'body') as Node;
    const { init, begin, head, tail, hasEnded } = this.#innerLoop(node);
    const label = site.breaks.length > 0 && site.labels.length === 0 ? `${this.#names.loop}: ` : '';
    text.update(node.start, body.start, `${label}for (${init};;) { ${begin} ${head} `);
    const after = `${tail} if (${hasEnded}) break; ${this.#checkTurns} }`;
    if (body.end === node.end) text.prependLeft(node.end, after);
    else text.update(body.end, node.end, after);
    if (body.type !== 'BlockStatement') this.#wrap(body, '{ ', ' }');
    this.#redirect(site);
  }

  #innerLoop(node: Node): InnerLoop {
    const { turns } = this.#names;
    const test = this.#part(node, 'test');
    const begin = `let ${turns} = 0;`;
    const goesOn = `${turns} < ${this.#turns}`;
    switch (node.type) {
      case 'WhileStatement':
        return {
          init: '',
          begin,
          head: `for (; ${goesOn} && (${test}); ${turns}++)`,
          tail: '',
          hasEnded: goesOn,
        };
      case 'DoWhileStatement':
        return { init: '', begin, head: 'do', tail: ` while ((${test}) && ++${goesOn});`, hasEnded: goesOn };
      default:
        return this.#innerFor(node, test);
    }
  }

  #innerFor(node: Node, test: string): InnerLoop {
    const { turns, stop } = this.#names;
    const init = this.#part(node, 'init');
    const update = this.#part(node, 'update');
    const counted = countedLoop(node, this.#bindings);
    const loop = (begin: string, condition: string, after: string, hasEnded: string): InnerLoop => ({
      init,
      begin,
      head: `for (; ${condition}; ${after})`,
      tail: '',
      hasEnded,
    });
    const and = (goesOn: string): string => (test === '' ? goesOn : `${goesOn} && (${test})`);
    if (counted === undefined) {
      const goesOn = `${turns} < ${this.#turns}`;
      const after = update === '' ? `${turns}++` : `${update}, ${turns}++`;
      return loop(`let ${turns} = 0;`, and(goesOn), after, goesOn);
    }
    const { variable, step, limit } = counted;
    const ahead = `${variable} ${step > 0 ? '+' : '-'} ${this.#turns * Math.abs(step)}`;
    if (limit === undefined) {
      const goesOn = `!(${variable} ${step > 0 ? '>=' : '<='} ${stop})`;
      return loop(`const ${stop} = ${ahead};`, and(goesOn), update, goesOn);
    }
    const { operator } = limit;
    const most = this.#slice(limit.node);
    const begin = `const ${stop} = ${ahead} ${operator} ${most} ? ${ahead} : ${most};`;
    return loop(begin, `${variable} ${operator} ${stop}`, update, `!(${test})`);
  }

  /** Jumps of a loop that has become two. */
  #redirect({ breaks, continues, labels }: LoopSite): void {
    for (const each of breaks)
      this.#text.appendLeft(each.start + 'break'.length, ` ${labels[0] ?? this.#names.loop}`);
    // Of the inner loop, which has no label.
    for (const each of continues) {
      const label = child(each, 'label') as Node;
      this.#text.remove(each.start + 'continue'.length, label.end);
    }
  }

  /** What ends at one place with others comes before theirs, what begins there comes after theirs. */
  #wrap({ start, end }: Pick<Node, 'start' | 'end'>, before: string, after: string): void {
    this.#text.appendRight(start, before);
    this.#text.prependLeft(end, after);
  }

  #part(node: Node, key: string): string {
    const part = child(node, key);
    return part === undefined ? '' : this.#slice(part);
  }

  #slice({ start, end }: Node): string {
    return this.#text.original.slice(start, end);
  }
}

/** What is written in place of a loop: around it, `for (init;;) { begin`; its head, in front of its body; what follows that; and how it is known that it was not stopped. */
interface InnerLoop {
  readonly init: string;
  readonly begin: string;
  readonly head: string;
  readonly tail: string;
  readonly hasEnded: string;
}
