// Variables that keep their value: what a file assigns to, by name. Scopes are not looked at, so a name counts as assigned wherever any variable of it is.
import { child, children, nameOf, type Node } from './syntax.ts';

export class Bindings {
  readonly #declared = new Set<string>();
  readonly #assigned = new Set<string>();
  /** Something may give variables values that does not name them. */
  #isOpaque = false;

  constructor(program: Node) {
    this.#read(program);
  }

  /** Whether a variable of this name is of this file, and none is ever given another value than its first. */
  isConstant(name: string): boolean {
    return !this.#isOpaque && this.#declared.has(name) && !this.#assigned.has(name);
  }

  #read(node: Node): void {
    const { type } = node;
    // Direct `eval`; and in sloppy code parameters change with the elements of `arguments`.
    if (type === 'Identifier' && (node['name'] === 'eval' || node['name'] === 'arguments'))
      this.#isOpaque = true;
    else if (type === 'WithStatement') this.#isOpaque = true;
    else if (type === 'VariableDeclarator') {
      const id = child(node, 'id');
      addNames(id, this.#declared);
    } else if (type === 'AssignmentExpression') addNames(child(node, 'left'), this.#assigned);
    else if (type === 'UpdateExpression') addNames(child(node, 'argument'), this.#assigned);
    else if (type === 'ForOfStatement' || type === 'ForInStatement')
      addNames(child(node, 'left'), this.#assigned);
    else if (type.startsWith('Import') && type.endsWith('Specifier'))
      addNames(child(node, 'local'), this.#assigned); // another module may
    else if (Array.isArray(node['params']))
      for (const each of node['params'] as readonly Node[]) addNames(each, this.#declared);
    for (const each of children(node)) this.#read(each);
  }
}

/** Names that a target of assignment, a pattern or a declaration gives values to. */
function addNames(target: Node | undefined, names: Set<string>): void {
  if (target === undefined || target.type === 'MemberExpression') return;
  const name = target.type === 'Identifier' ? nameOf(target) : undefined;
  if (name !== undefined) names.add(name);
  for (const each of children(target)) addNames(each, names);
}

/** Whether something within the node gives a variable of this name a value, or declares another one. */
export function assigns(node: Node | undefined, name: string): boolean {
  if (node === undefined) return false;
  const names = new Set<string>();
  if (node.type === 'AssignmentExpression') addNames(child(node, 'left'), names);
  else if (node.type === 'UpdateExpression') addNames(child(node, 'argument'), names);
  else if (node.type === 'VariableDeclarator' || node.type === 'CatchClause')
    addNames(child(node, node.type === 'CatchClause' ? 'param' : 'id'), names);
  if (names.has(name)) return true;
  for (const each of children(node)) if (assigns(each, name)) return true;
  return false;
}
