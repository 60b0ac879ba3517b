import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TaskFile } from '../src/perf/task-files.ts';
import { FakeKernel } from './perf-kernel.ts';

/** A file of /proc whose text the test gives; `undefined`: its thread has ended. */
function file(text: string | undefined): TaskFile {
  const machine = new FakeKernel().machine({
    openFile: () => 7,
    readFile: (_descriptor, into) => (text === undefined ? -3 : Buffer.from(text, 'latin1').copy(into)),
  });
  const opened = TaskFile.open(machine, 5, 'stat');
  if (typeof opened === 'string') throw new Error(opened);
  opened.refresh();
  return opened;
}

const name = fc.oneof(fc.constantFrom('a) b', ') 1 2', '(', '))) S 9 9 (', ''), fc.string({ maxLength: 15 }));
const number = fc.integer({ min: 0, max: 2 ** 52 });

it('counts the fields of stat from behind the name, whatever that is', () => {
  fc.assert(
    fc.property(name, fc.array(number, { minLength: 20, maxLength: 20 }), (comm, fields) => {
      const stat = file(`123 (${comm.replaceAll('\n', '')}) S ${fields.join(' ')}\n`);
      for (let field = 4; field < 24; field++) expect(stat.statField(field)).toBe(fields[field - 4]);
      expect(stat.statField(24)).toBeNaN();
    }),
  );
});

it('finds a line by how it begins, not by how it ends', () => {
  fc.assert(
    fc.property(number, number, (a, b) => {
      const status = file(
        `Name:\tvoluntary_ctxt_switches: 9\nnonvoluntary_ctxt_switches:\t${b}\nvoluntary_ctxt_switches:\t${a}\n`,
      );
      expect(status.labelled(Buffer.from('voluntary_ctxt_switches:'))).toBe(a);
      expect(status.labelled(Buffer.from('nonvoluntary_ctxt_switches:'))).toBe(b);
      expect(status.labelled(Buffer.from('absent:'))).toBeNaN();
    }),
  );
  expect(file('se.nr_migrations        :           42\n').labelled(Buffer.from('se.nr_migrations'))).toBe(42);
});

it('counts the words of a line', () => {
  const schedstat = file('4711 12 3\n');
  expect([0, 1, 2, 3].map((word) => schedstat.word(word))).toEqual([4711, 12, 3, Number.NaN]);
});

it('ends on any text, with a number or none', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 300 }), fc.nat(60), (text, field) => {
      const any = file(text);
      for (const value of [any.statField(field), any.word(field), any.labelled(Buffer.from('a'))])
        expect(Number.isNaN(value) || value >= 0).toBe(true);
    }),
  );
});

it('has nothing once the thread has ended', () => {
  const ended = file(undefined);
  expect(ended.refresh()).toBe(false);
  expect(ended.statField(10)).toBeNaN();
  expect(ended.word(0)).toBeNaN();
});
