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
// `continue` stays, being one of the inner loop. Where a turn calls something, the inner loop counts down what is left of the module's counter, and hands it back: what is called counts in its
// loops, too, and a call that is inlined leaves the loop without one.
//
// Tried, on loops of 0.5 to 1 ns a turn: a counter of the module in each turn (+65 to 300 %), a property of an imported object (+80 to 300 %), a call (+60 to 300 %), a local counter with a call in
// the loop (+20 to 300 %), a counter that lives across inner and outer loop (+60 to 300 %); this one +0 to 25 %. A counter of the module in loops that call: timsort by a function +93 % in place of
// +45 %. Two of loops that have loops in them: the same +290 to 610 %.
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

  /** Loops around it come first. @returns false: it needs none */
  add(site: LoopSite): boolean {
    const { node } = site;
    const hasIterator = node.type === 'ForOfStatement' || node.type === 'ForInStatement';
    if (site.hasLoop || site.hasClosure || (hasIterator && site.hasCall))
      this.#inBody(node, ` ${this.#checkTurn}`);
    else if (hasIterator) this.#countTurns(site);
    else if (!site.hasCall && this.#isShort(node)) return false;
    else this.#splitUp(site);
    return true;
  }

  /** Whether it has no more turns than there are between two checkpoints. */
  #isShort(node: Node): boolean {
    const counted = node.type === 'ForStatement' ? countedLoop(node, this.#bindings) : undefined;
    return counted !== undefined && counted.mostTurns <= this.#turns;
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
    const chunk = site.hasCall ? this.#chunkOfCalls() : this.#chunk(node);
    const { head, tail } = this.#innerLoop(node, chunk);
    const label = site.breaks.length > 0 && site.labels.length === 0 ? `${this.#names.loop}: ` : '';
    text.update(
      node.start,
      body.start,
      `${label}for (${this.#part(node, 'init')};;) { ${chunk.begin} ${head} `,
    );
    const after = `${tail} ${chunk.end} }`;
    if (body.end === node.end) text.prependLeft(node.end, after);
    else text.update(body.end, node.end, after);
    if (body.type !== 'BlockStatement') this.#wrap(body, '{ ', ' }');
    this.#redirect(site);
  }

  /** What is written in front of the body, and behind it. */
  #innerLoop(node: Node, { condition, replacesTest, step }: Chunk): { head: string; tail: string } {
    const test = this.#part(node, 'test');
    if (node.type === 'DoWhileStatement') {
      const goesOn = step === '' ? condition : condition.replace(this.#names.turns, step);
      return { head: 'do', tail: ` while ((${test}) && ${goesOn});` };
    }
    const both = replacesTest || test === '' ? condition : `${condition} && (${test})`;
    const after = [this.#part(node, 'update'), step].filter((each) => each !== '').join(', ');
    return { head: `for (; ${both}; ${after})`, tail: '' };
  }

  /** Turns that call something: those that are left of the module's, which has them back. So what is called counts in its loops, too. */
  #chunkOfCalls(): Chunk {
    const { turns, left, look } = this.#names;
    return {
      begin: `let ${turns} = ${left} | 0;`,
      condition: `${turns} >= 0`,
      replacesTest: false,
      step: `--${turns}`,
      end: `if (${turns} >= 0) { if (${turns} < ${left}) ${left} = ${turns}; break; } ${left} = ${look}();`,
    };
  }

  /** Many turns that do not. */
  #chunk(node: Node): Chunk {
    const { turns, stop } = this.#names;
    const counted = node.type === 'ForStatement' ? countedLoop(node, this.#bindings) : undefined;
    const make = (begin: string, condition: string, hasEnded = condition, step = ''): Chunk => ({
      begin,
      condition,
      replacesTest: hasEnded !== condition,
      step,
      end: `if (${hasEnded}) break; ${this.#checkTurns}`,
    });
    if (counted === undefined) {
      const goesOn = `${turns} < ${this.#turns}`;
      return make(`let ${turns} = 0;`, goesOn, goesOn, `++${turns}`);
    }
    const { variable, step, limit } = counted;
    const ahead = `${variable} ${step > 0 ? '+' : '-'} ${this.#turns * Math.abs(step)}`;
    if (limit === undefined)
      return make(`const ${stop} = ${ahead};`, `!(${variable} ${step > 0 ? '>=' : '<='} ${stop})`);
    const { operator } = limit;
    const most = this.#slice(limit.node);
    return make(
      `const ${stop} = ${ahead} ${operator} ${most} ? ${ahead} : ${most};`,
      `${variable} ${operator} ${stop}`,
      `!(${this.#part(node, 'test')})`,
    );
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

/** So many turns as the inner one of two loops makes. */
interface Chunk {
  /** In front of the inner loop. */
  readonly begin: string;
  /** Of the inner loop, beside its test. */
  readonly condition: string;
  /** Whether it says all that the test does. */
  readonly replacesTest: boolean;
  /** After each turn. */
  readonly step: string;
  /** Behind the inner loop: leaves the outer one where the test said so, and looks. */
  readonly end: string;
}
