// A thread is terminated at the entry of a function or the head of a loop, nowhere else. So what the compiler makes of the kernel
// matters: where a buffer is in hand and not noted, there must be neither. If this fails, look at the code that is generated, and
// at PROTOCOL.md, section 3, before anything here is changed.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { kernelBase64 } from '../src/kernel.generated.ts';

interface Binaryen {
  readBinary(bytes: Uint8Array): { emitText(): string };
}

/** What matters, in the order of the text. */
type Step = 'loop' | 'CAS' | 'store' | `call ${string}`;

async function readKernel(): Promise<{ steps: (name: string) => Step[]; callee: (step: Step) => Step[] }> {
  const fromTools = createRequire(new URL('../../../tools/kernel/build.mjs', import.meta.url));
  const fromCompiler = createRequire(fromTools.resolve('assemblyscript/package.json'));
  const { default: binaryen } = (await import(pathToFileURL(fromCompiler.resolve('binaryen')).href)) as {
    default: Binaryen;
  };
  const text = binaryen.readBinary(Buffer.from(kernelBase64, 'base64')).emitText();
  const bodies = new Map<string, Step[]>();
  for (const body of text.split(/^ (?=\(func )/m).slice(1)) {
    const found = body.matchAll(/\((loop|call (\$\w+)|i64\.atomic\.rmw\.cmpxchg|i32\.atomic\.store)\b/g);
    const steps = Array.from(found, ([, what = '']): Step => {
      if (what.startsWith('i64')) return 'CAS';
      return what.startsWith('i32') ? 'store' : (what as Step);
    });
    bodies.set(/^\(func (\S+)/.exec(body)?.[1] ?? '', steps);
  }
  const of = (id = ''): Step[] => {
    const steps = bodies.get(id);
    if (steps === undefined) throw new Error(`the kernel has no function ${id}`);
    return steps;
  };
  const names = new Map(
    Array.from(text.matchAll(/\(export "(\w+)" \(func (\S+?)\)\)/g), ([, name, id]) => [name, id]),
  );
  return { steps: (name) => of(names.get(name)), callee: (step) => of(step.split(' ')[1]) };
}

const kernel = await readKernel();
const calls = (steps: readonly Step[]): Step[] => steps.filter((step) => step.startsWith('call '));
const kinds = (steps: readonly Step[]): string[] => steps.map((step) => step.split(' ')[0] as string);

test('no call and no loop lies between the pop of a buffer and its lease', () => {
  const steps = kernel.steps('acquireLease').filter((step) => step !== 'store'); // those of tallies
  // The pop from the own cache; the call that pops elsewhere; the pop from the reserve; what is done where there is none, and ends
  // there; the lease; pressure, one way or the other.
  expect(kinds(steps)).toEqual(['loop', 'CAS', 'call', 'loop', 'CAS', 'call', 'CAS', 'call', 'call']);
});

test('a batch is noted right after it was popped, and the note taken back right after it was pushed', () => {
  const takeShared = kernel.callee(calls(kernel.steps('acquireLease'))[0] as Step);
  const [take, place] = calls(takeShared).map((step) => kernel.callee(step)) as [Step[], Step[]];
  expect(kinds(take.slice(take.indexOf('CAS')))).toEqual(['CAS', 'CAS']);
  // The walk of the chain, and the note of its length; writing its last link, the push, and the note.
  expect(kinds(place.slice(0, place.lastIndexOf('CAS') + 1))).toEqual([
    'loop',
    'CAS',
    'loop',
    'store',
    'CAS',
    'CAS',
  ]);
});

test('a buffer that was given has its operation before anything else', () => {
  const [give] = calls(kernel.steps('giveLease'));
  expect(kinds(kernel.callee(give as Step))).toEqual(['loop', 'CAS', 'CAS']);
});

test('the chain of a dead owner is noted right after it was claimed', () => {
  const steps = kernel.steps('reclaimCache');
  expect(kinds(steps.slice(steps.indexOf('CAS'), steps.indexOf('CAS') + 2))).toEqual(['CAS', 'CAS']);
});
