// Loops that never end by themselves, of each kind: what puts checkpoints into them has to stop them.
import { createContext, runInContext } from 'node:vm';

export const ENDLESS: readonly string[] = [
  'for (;;);',
  'for (;;) a++;',
  'for (;;) f();',
  'for (let i = 0; ; i++) a = i;',
  'for (let i = 0; ; i--) a = i;',
  'for (let i = 0; i > -1e300; i--) a = i;',
  'for (let i = 0; i < 1e300; i += 2) a = i;',
  'for (let i = 0; i > -1e300; i -= 2) a = i;',
  'for (let i = 0; i !== -1; i += 3) a = i;',
  'for (let i = 0; true; i -= 3) a = i;',
  'for (let i = 0; i < limit; i++) { a = i; }',
  'for (let i = 0; i < limit; i++) { i--; }',
  'for (let i = 0; i < limit; i++) { for (let j = 0; j < 3; j++) a = j; }',
  'for (let i = 0; i < limit; i++) { for (let j = 0; j < 3; j++) { for (const x of [1, 2]) a = x; } }',
  'while (true);',
  'while (true) { a++; }',
  'while (true) { if (a++ > 0) continue; }',
  'while (f());',
  'outer: while (true) { while (true) continue outer; }',
  'do { a++; } while (true);',
  'do a++; while (a > 0)',
  'do f(); while (true);',
  'for (const x of forEver()) a = x;',
  'for (const x of forEver()) f(x);',
  'here: for (const x of forEver()) { if (x > 3) continue here; }',
  'for (const x in many) for (;;) a = x;',
  'const g = () => { while (true) a++; }; g();',
  'class A { static { for (;;) a++; } }',
  'class A { run() { for (;;) a++; } } new A().run();',
  'function* g() { for (;;) a++; yield 1; } g().next();',
  'switch (1) { default: while (true) { a++; } }',
  'try { while (true) a++; } finally { a = 1; }',
  'if (a > 100) a = 0; else while (true) a++;',
  'label: { while (true) { if (a < 0) break label; a++; } }',
];

/** Of `functions: 'recursive'`: they would end with the stack. */
export const RECURSIVE: readonly string[] = [
  'function g(n) { return n < 5000 ? g(n + 1) : 0; } for (const x of many2) g(0);',
  'const g = (n) => n < 5000 ? g(n + 1) : 0; g(0);',
  'const o = { g(n) { return n < 5000 ? o.h(n + 1) : 0; }, h: function (n) { return this.g(n + 1); } }; o.g(0);',
  'class A { g(n) { return n < 1500 ? [1].map(() => this.g(n + 1)) : 0; } } new A().g(0);',
];

const PRELUDE = `
let a = 0; const limit = Infinity; const many = { x: 1 }; const many2 = [1];
const f = () => true;
function* forEver() { yield* { [Symbol.iterator]: () => ({ next: () => ({ done: false, value: ++a }) }) }; }
`;

/** Runs a text whose checkpoints throw. @returns what it ended with */
export function runStopped(code: string, timeoutMs = 500): unknown {
  const context = createContext({});
  runInContext(
    `globalThis[Symbol.for('@corelane/scheduler/checkpoints')] = { look() { throw new RangeError('stopped'); } };`,
    context,
  );
  try {
    runInContext(code, context, { timeout: timeoutMs });
    return 'ended';
  } catch (error) {
    return (error as Error).message;
  }
}

export function endlessProgram(text: string): string {
  return `${PRELUDE}\n(() => { ${text} })();`;
}
