import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CpuSetSyntaxError,
  formatCpuList,
  formatCpuMap,
  MAX_CPUS,
  parseCpuList,
  parseCpuMap,
  PlatformError,
  PlatformOptionError,
} from '../src/index.ts';

const cpuSet = fc
  .uniqueArray(fc.nat({ max: MAX_CPUS - 1 }), { maxLength: 200 })
  .map((cpus) => cpus.toSorted((a, b) => a - b));

describe('CPU lists', () => {
  test('any set survives being written and read', () => {
    fc.assert(
      fc.property(cpuSet, (cpus) => {
        expect(parseCpuList(formatCpuList(cpus))).toEqual(cpus);
      }),
    );
  });

  test('any list that reads is written in the one form that reads as the same set', () => {
    const part = fc
      .tuple(fc.nat({ max: 300 }), fc.nat({ max: 50 }))
      .map(([from, length]) => (length === 0 ? `${from}` : `${from}-${from + length}`));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const cpus = parseCpuList(parts.join(','));
        expect(cpus).toEqual([...new Set(cpus)].toSorted((a, b) => a - b));
        expect(parseCpuList(formatCpuList(cpus))).toEqual(cpus);
      }),
    );
  });

  test('any text either reads as CPUs below the limit or is refused with the typed error', () => {
    const nearly = fc.string({ unit: fc.constantFrom(...Array.from('0123456789,-\n \0x')), maxLength: 40 });
    fc.assert(fc.property(fc.oneof(nearly, fc.string()), (text) => readsOrRefuses(parseCpuList, text)));
  });

  test.each([
    '0-',
    '-3',
    '5-3',
    '1,,2',
    ',',
    '0-1-2',
    'a',
    '1.5',
    '0x1',
    '1 2',
    `${MAX_CPUS}`,
    '999999999999',
    '0-999999999',
  ])('refuses %j', (text) => {
    expect(() => parseCpuList(text)).toThrow(CpuSetSyntaxError);
  });

  test('a refusal names the code, the position and what was found', () => {
    expect(() => parseCpuList('0-3,9-7')).toThrow(
      expect.objectContaining({
        code: 'ERR_CPU_SET_SYNTAX',
        at: 4,
        message: 'bad CPU list "0-3,9-7" at 4: range 9-7 runs backwards',
      }),
    );
  });

  test('reads what kernels write', () => {
    expect(parseCpuList('0-2,33-34,45,72-73\n')).toEqual([0, 1, 2, 33, 34, 45, 72, 73]);
    expect(parseCpuList('0-7\n\0')).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(parseCpuList('\n')).toEqual([]);
  });

  test('a long list of overlapping ranges costs its length, not the product', () => {
    const text = Array.from({ length: 100_000 }, () => `0-${MAX_CPUS - 2}`).join(',');
    const start = performance.now();
    expect(parseCpuList(text)).toHaveLength(MAX_CPUS - 1);
    // Expanded range by range this is 1.6 billion steps.
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe('CPU maps', () => {
  test('any set survives being written and read', () => {
    fc.assert(
      fc.property(cpuSet, (cpus) => {
        expect(parseCpuMap(formatCpuMap(cpus))).toEqual(cpus);
      }),
    );
  });

  test('a width gives a short first word and the same set', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.array(fc.nat({ max: 299 })), (width, candidates) => {
        const cpus = [...new Set(candidates.map((cpu) => cpu % width))].toSorted((a, b) => a - b);
        const text = formatCpuMap(cpus, width);
        expect(text.replaceAll(',', '')).toHaveLength(Math.ceil(width / 4));
        expect(parseCpuMap(text)).toEqual(cpus);
      }),
    );
  });

  test('any text either reads as CPUs below the limit or is refused with the typed error', () => {
    const nearly = fc.string({
      unit: fc.constantFrom(...Array.from('0123456789abcdef,\n \0x')),
      maxLength: 60,
    });
    fc.assert(fc.property(fc.oneof(nearly, fc.string()), (text) => readsOrRefuses(parseCpuMap, text)));
  });

  test('reads what kernels write', () => {
    expect(parseCpuMap('0000,00000100,00000001\n')).toEqual([0, 40]);
    expect(parseCpuMap('00003\n')).toEqual([0, 1]);
    expect(parseCpuMap('80000000\n')).toEqual([31]);
    expect(formatCpuMap([0, 40], 80)).toBe('0000,00000100,00000001');
  });

  test.each(['', 'g', '123456789', '1,,2', '1,', `1${',00000000'.repeat(MAX_CPUS / 32)}`])(
    'refuses %j',
    (text) => {
      expect(() => parseCpuMap(text)).toThrow(CpuSetSyntaxError);
    },
  );
});

function readsOrRefuses(parse: (text: string) => readonly number[], text: string): void {
  try {
    const cpus = parse(text);
    expect(cpus.every((cpu) => Number.isInteger(cpu) && cpu >= 0 && cpu < MAX_CPUS)).toBe(true);
  } catch (error) {
    expect(error).toBeInstanceOf(PlatformError);
    expect(error).toBeInstanceOf(CpuSetSyntaxError);
  }
}

// A mask has a word for every 32 CPUs below the highest: one wrong number would cost gigabytes.
test.each([-1, 1.5, Number.NaN, Infinity, MAX_CPUS, 1e9])(
  'CPU %s is written neither as list nor as map',
  (cpu) => {
    expect(() => formatCpuList([0, cpu])).toThrow(PlatformOptionError);
    expect(() => formatCpuMap([0, cpu])).toThrow(PlatformOptionError);
  },
);

test.each([0, -5, 1.5, Number.NaN, MAX_CPUS + 1])('a map has no width of %s bits', (widthBits) => {
  expect(() => formatCpuMap([0], widthBits)).toThrow(PlatformOptionError);
});
