// What the programs of the property test are worth: each of these changes of the source is noticed by them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type * as Transform from '../src/transform.ts';
import { ENDLESS, endlessProgram, runStopped } from './endless.ts';
import { countLooks, evaluate } from './evaluate.ts';
import { programs } from './programs.ts';

interface Mutant {
  readonly name: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

const MUTANTS: readonly Mutant[] = [
  {
    name: 'break leaves the inner loop alone',
    file: 'loop-edits.ts',
    find: 'for (const each of breaks)',
    replace: 'for (const each of [] as Node[])',
  },
  {
    name: 'continue goes on with the outer loop',
    file: 'loop-edits.ts',
    find: "this.#text.remove(each.start + 'continue'.length, label.end)",
    replace: 'void label',
  },
  {
    name: 'the test is evaluated before it is known whether the loop is stopped',
    file: 'loop-edits.ts',
    find: '`${condition} && (${test})`',
    replace: '`(${test}) && ${condition}`',
  },
  {
    name: 'the test of do … while is not evaluated in the last turn before a checkpoint',
    file: 'loop-edits.ts',
    find: '(${test}) && ${goesOn}',
    replace: '${goesOn} && (${test})',
  },
  {
    name: 'a loop that was stopped does not go on',
    file: 'loop-edits.ts',
    find: 'if (${hasEnded}) break;',
    replace: 'break;',
  },
  {
    name: 'the same of one that calls',
    file: 'loop-edits.ts',
    find: '${left} = ${turns}; break; }',
    replace: '${left} = ${turns}; } break;',
  },
  {
    name: 'one that calls has no turn where none was left',
    file: 'loop-edits.ts',
    find: '`${turns} >= 0`',
    replace: '`${turns} > 0`',
  },
  {
    name: 'one that calls goes on when it has ended',
    file: 'loop-edits.ts',
    find: 'if (${turns} >= 0) {',
    replace: 'if (${turns} > 1) {',
  },
  {
    name: 'a loop that counts goes one turn too far',
    file: 'loop-edits.ts',
    find: '`${variable} ${operator} ${stop}`',
    replace: '`${variable} ${step > 0 ? "<=" : ">="} ${stop}`',
  },
  {
    name: 'a loop that counts ends where it was stopped',
    file: 'loop-edits.ts',
    find: "`!(${this.#part(node, 'test')})`",
    replace: '`!(${variable} ${operator} ${stop})`',
  },
  {
    name: 'a turn of the inner loop is not followed by its update',
    file: 'loop-edits.ts',
    find: "[this.#part(node, 'update'), step]",
    replace: "['', step]",
  },
  {
    name: 'variables that closures keep are those of the outer loop',
    file: 'survey.ts',
    find: "#visitFunction(node: Node, name: string | undefined): void {\n    this.#mark('hasClosure');",
    replace: '#visitFunction(node: Node, name: string | undefined): void {',
  },
  {
    name: 'a loop within a loop becomes two within two',
    file: 'survey.ts',
    find: "this.#mark('hasLoop');\n    const isForAwait",
    replace: 'const isForAwait',
  },
  {
    name: 'break in a switch leaves the loop around',
    file: 'survey.ts',
    find: 'this.#targets.push({ site: undefined });',
    replace: 'this.#targets.push(this.#targets.at(-1) ?? { site: undefined });',
  },
  {
    name: 'a limit may be given another value',
    file: 'counted-loop.ts',
    find: 'bindings.isConstant(name)',
    replace: 'true',
  },
  {
    name: 'counting down is counting up',
    file: 'counted-loop.ts',
    find: "operator === '++' ? 1 : -1",
    replace: '1',
  },
  {
    name: 'subtracting is adding',
    file: 'counted-loop.ts',
    find: "operator === '+=' ? step : -step",
    replace: 'step',
  },
  {
    name: 'a body that is no block stays none',
    file: 'loop-edits.ts',
    find: "if (body.type !== 'BlockStatement') this.#wrap(body, '{ ', ' }');",
    replace: '',
  },
  {
    name: 'what is around a loop is written behind what is within it',
    file: 'loop-edits.ts',
    find: 'this.#text.prependLeft(end, after);',
    replace: 'this.#text.appendLeft(end, after);',
  },
  {
    name: 'an arrow function returns what the checkpoint is',
    file: 'function-edits.ts',
    find: '`(--${left} < 0 && (${left} = ${look}()), `',
    replace: '`(--${left} < 0 && (${left} = ${look}()) || `',
  },
];

const root = fileURLToPath(new URL('..', import.meta.url));

async function load(mutant: Mutant | undefined): Promise<typeof Transform> {
  const { outputFiles } = await build({
    entryPoints: [`${root}src/transform.ts`],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    write: false,
    plugins: [
      {
        name: 'mutant',
        setup: (set) =>
          set.onLoad({ filter: new RegExp(`/src/${mutant?.file ?? 'none'}$`) }, async ({ path }) => {
            const text = await readFile(path, 'utf8');
            const { find = '', replace = '' } = mutant ?? {};
            if (text.split(find).length !== 2)
              throw new Error(`${find} is there ${text.split(find).length - 1} times`);
            return { contents: text.replace(find, () => replace), loader: 'ts' };
          }),
      },
    ],
  });
  // Where its packages are found.
  const text = (outputFiles[0]?.text ?? '').replaceAll(
    /from "(oxc-parser|magic-string)"/g,
    (_, name: string) => `from ${JSON.stringify(import.meta.resolve(name))}`,
  );
  return (await import(`data:text/javascript,${encodeURIComponent(text)}`)) as typeof Transform;
}

function isNoticed({ transformIn }: typeof Transform): boolean {
  for (const text of ENDLESS) {
    const { code } = transformIn(4, endlessProgram(text), { filename: 'program.js' });
    if (runStopped(code) !== 'stopped') return true;
  }
  const { failed } = fc.check(
    fc.property(programs, fc.constantFrom(2, 4), (program, turns) => {
      const expected = evaluate(program)['run'](4);
      const { code } = transformIn(turns, program, { filename: 'program.cjs', functions: 'all' });
      let found: unknown;
      countLooks(() => {
        found = evaluate(code)['run'](4);
      }, 2);
      expect(found).toEqual(expected);
    }),
    { numRuns: 3000, seed: 1, endOnFailure: true },
  );
  return failed;
}

test('without a change nothing is noticed', async () => {
  expect(isNoticed(await load(undefined))).toBe(false);
});

test.each(MUTANTS)('$name', async (mutant) => {
  expect(isNoticed(await load(mutant))).toBe(true);
});
