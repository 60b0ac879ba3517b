// What there is in a file that checkpoints are put into: its loops, and its functions.
import { child, children, nameOf, targetName, type Node } from './syntax.ts';

export interface LoopSite {
  readonly node: Node;
  /** Where the first of its labels begins, or it itself. */
  readonly start: number;
  readonly labels: readonly string[];
  /** Whether another loop lies in it. */
  hasLoop: boolean;
  /** Whether a turn may take longer than a moment: a call, a closure, `await`, `yield`. */
  hasCall: boolean;
  /** Whether something may keep the variables of a turn, or has loops of its own: a closure, a class, `using`. */
  hasClosure: boolean;
  /** `break` without a label that leaves it. */
  readonly breaks: Node[];
  /** `continue` with one of its labels. */
  readonly continues: Node[];
}

export interface FunctionSite {
  readonly node: Node;
  readonly name: string | undefined;
  /** Names of what it calls, or what functions in it do. */
  readonly calls: Set<string>;
  /** Whether it is the constructor of a class that extends another one: nothing may come before `super()` in some of them. */
  readonly isDerived: boolean;
}

export interface Survey {
  readonly loops: readonly LoopSite[];
  readonly functions: readonly FunctionSite[];
}

const LOOPS: ReadonlySet<string> = new Set([
  'ForStatement',
  'WhileStatement',
  'DoWhileStatement',
  'ForOfStatement',
  'ForInStatement',
]);
const FUNCTIONS: ReadonlySet<string> = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
]);
const CALLS: ReadonlySet<string> = new Set([
  'CallExpression',
  'NewExpression',
  'TaggedTemplateExpression',
  'ImportExpression',
  'JSXElement',
  'JSXFragment',
  'AwaitExpression',
  'YieldExpression',
  // As long as what is copied.
  'SpreadElement',
  'RestElement',
]);
/** Methods of strings that take a moment, whoever has one of that name. */
const QUICK_METHODS: ReadonlySet<string> = new Set(['charCodeAt', 'codePointAt', 'charAt', 'fromCharCode']);

interface Target {
  readonly site: LoopSite | undefined;
}

/** @param skipped where nodes begin that are left alone with all that is in them */
export function survey(program: Node, skipped: ReadonlySet<number>): Survey {
  return new Surveyor(skipped).survey(program);
}

class Surveyor {
  readonly #skipped: ReadonlySet<number>;
  readonly #loops: LoopSite[] = [];
  readonly #functions: FunctionSite[] = [];
  /** Of the function that is looked at: what `break` may leave, the innermost last. */
  #targets: Target[] = [];
  /** Functions around what is looked at. */
  readonly #around: FunctionSite[] = [];

  /** Of the class around: whether it extends another one; of the next function: whether it is its constructor then. */
  #extends = false;
  #isDerived = false;

  constructor(skipped: ReadonlySet<number>) {
    this.#skipped = skipped;
  }

  survey(program: Node): Survey {
    this.#below(program);
    return { loops: this.#loops, functions: this.#functions };
  }

  #visit(node: Node | undefined, start: number, labels: readonly string[], name?: string): void {
    if (node === undefined) return;
    if (this.#skipped.has(node.start)) {
      this.#mark('hasLoop'); // or whatever else is in it
      return;
    }
    const { type } = node;
    if (type === 'LabeledStatement') {
      const label = nameOf(child(node, 'label')) ?? '';
      this.#visit(child(node, 'body'), start, [...labels, label]);
    } else if (LOOPS.has(type)) this.#visitLoop(node, start, labels);
    else if (FUNCTIONS.has(type)) this.#visitFunction(node, name);
    else if (type === 'ClassDeclaration' || type === 'ClassExpression') this.#visitClass(node);
    else if (type === 'SwitchStatement') {
      this.#visit(child(node, 'discriminant'), 0, []);
      this.#targets.push({ site: undefined });
      this.#below(node, 'discriminant');
      this.#targets.pop();
    } else if (type === 'BreakStatement') {
      if (child(node, 'label') === undefined) this.#targets.at(-1)?.site?.breaks.push(node);
    } else if (type === 'ContinueStatement') {
      const label = nameOf(child(node, 'label'));
      if (label !== undefined)
        this.#targets.find(({ site }) => site?.labels.includes(label))?.site?.continues.push(node);
    } else this.#visitOther(node);
  }

  #visitLoop(node: Node, start: number, labels: readonly string[]): void {
    this.#mark('hasLoop');
    const isForAwait = node.type === 'ForOfStatement' && node['await'] === true;
    const site: LoopSite = {
      node,
      start,
      labels,
      hasLoop: false,
      hasCall: isForAwait,
      hasClosure: false,
      breaks: [],
      continues: [],
    };
    if (!isForAwait) this.#loops.push(site);
    // What is evaluated once, before the first turn.
    const once = node.type === 'ForStatement' ? 'init' : 'right';
    const known = this.#functions.length + this.#loops.length;
    this.#visit(child(node, once), 0, []);
    if (this.#functions.length + this.#loops.length > known) site.hasClosure = true;
    this.#targets.push({ site });
    // Its variables are the loop's.
    if (hasUsing(node)) this.#mark('hasClosure');
    this.#below(node, once);
    this.#targets.pop();
    // A call within it is one within what is around it.
    if (site.hasCall) this.#mark('hasCall');
  }

  #visitFunction(node: Node, name: string | undefined): void {
    this.#mark('hasClosure');
    const site: FunctionSite = {
      node,
      name: nameOf(child(node, 'id')) ?? name,
      calls: new Set(),
      isDerived: this.#isDerived,
    };
    this.#isDerived = false;
    this.#functions.push(site);
    const targets = this.#targets;
    this.#targets = [];
    this.#around.push(site);
    this.#below(node);
    this.#around.pop();
    this.#targets = targets;
  }

  #visitClass(node: Node): void {
    const outer = this.#extends;
    this.#mark('hasClosure');
    this.#extends = child(node, 'superClass') !== undefined;
    this.#below(node);
    this.#extends = outer;
  }

  #visitOther(node: Node): void {
    const { type } = node;
    if (type === 'MethodDefinition') this.#isDerived = node['kind'] === 'constructor' && this.#extends;
    if (CALLS.has(type) && !isQuick(node)) this.#mark('hasCall');
    if (type === 'CallExpression' || type === 'NewExpression') {
      const called = targetName(child(node, 'callee'));
      if (called === 'eval') this.#mark('hasClosure'); // it may make some
      if (called !== undefined) for (const each of this.#around) each.calls.add(called);
    }
    const [named, by] = NAMED[type] ?? [];
    if (named === undefined || by === undefined) this.#below(node);
    else {
      this.#below(node, named);
      const isComputed = node['computed'] === true;
      const value = child(node, named);
      if (value !== undefined)
        this.#visit(value, value.start, [], isComputed ? undefined : targetName(child(node, by)));
    }
  }

  #below(node: Node, except?: string): void {
    const left = except === undefined ? undefined : node[except];
    for (const each of children(node)) if (each !== left) this.#visit(each, each.start, []);
  }

  /** Of the loops around, within the function. */
  #mark(what: 'hasLoop' | 'hasCall' | 'hasClosure'): void {
    for (const { site } of this.#targets) if (site !== undefined) site[what] = true;
  }
}

/** Where a function has its name from: the key of the function, and that of the name. */
const NAMED: Readonly<Record<string, readonly [string, string]>> = {
  VariableDeclarator: ['init', 'id'],
  AssignmentExpression: ['right', 'left'],
  Property: ['value', 'key'],
  PropertyDefinition: ['value', 'key'],
  MethodDefinition: ['value', 'key'],
};

function isQuick(node: Node): boolean {
  if (node.type !== 'CallExpression') return false;
  const callee = child(node, 'callee');
  if (callee?.type !== 'MemberExpression' || callee['computed'] === true) return false;
  return (
    QUICK_METHODS.has(targetName(callee) ?? '') ||
    (nameOf(child(callee, 'object')) === 'Math' && child(callee, 'object')?.type === 'Identifier')
  );
}

function hasUsing(loop: Node): boolean {
  for (const key of ['init', 'left']) {
    const kind = child(loop, key)?.['kind'];
    if (kind === 'using' || kind === 'await using') return true;
  }
  return false;
}
