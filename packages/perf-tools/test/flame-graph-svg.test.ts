import { JSDOM } from 'jsdom';
import { describe, expect, test } from 'vitest';
import {
  toFlameGraphSvg,
  type CpuProfile,
  type FlameGraphOptions,
  type NamedProfile,
} from '../src/profiles/index.ts';

const WIDTH = 1020;
const INNER = 1000;

/** (root) → main 60 % → { parse 20 %, hostile 30 % }, module 30 %, (idle) half of the time on top. */
function named(hostileName = '<b>"&\u0000\uD800'): NamedProfile {
  const frame = (
    functionName: string,
    url = 'file:///app/main.js',
  ): CpuProfile['nodes'][number]['callFrame'] => ({
    functionName,
    scriptId: '1',
    url,
    lineNumber: 9,
    columnNumber: 4,
  });
  return {
    name: 'main',
    profile: {
      nodes: [
        { id: 1, callFrame: frame('(root)', ''), children: [2, 5, 6] },
        { id: 2, callFrame: frame('main'), children: [3, 4] },
        { id: 3, callFrame: frame('parse', 'node:internal/parse') },
        { id: 4, callFrame: frame(hostileName) },
        { id: 5, callFrame: frame('module', '/app/node_modules/x/index.js') },
        { id: 6, callFrame: frame('(idle)', '') },
      ],
      startTime: 0,
      endTime: 200_000,
      samples: [2, 3, 4, 5, 2, 6],
      timeDeltas: [0, 10_000, 20_000, 30_000, 30_000, 10_000],
    },
  };
}

function drawn(options: FlameGraphOptions = {}, profile = named()): Document {
  return new JSDOM(toFlameGraphSvg(profile, { width: WIDTH, ...options }), {
    contentType: 'image/svg+xml',
    runScripts: 'outside-only',
  }).window.document;
}

interface Box {
  readonly g: Element;
  readonly title: string;
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly fill: string;
}

function boxes(document: Document): Map<string, Box> {
  return new Map(
    [...document.querySelectorAll('#frames g')].map((g) => {
      const rect = g.querySelector('rect') as Element;
      const number = (name: string): number => Number(rect.getAttribute(name));
      return [
        g.getAttribute('data-name') as string,
        {
          g,
          title: g.querySelector('title')?.textContent ?? '',
          label: g.querySelector('text')?.textContent ?? '',
          x: number('x'),
          y: number('y'),
          width: number('width'),
          fill: rect.getAttribute('fill') as string,
        },
      ];
    }),
  );
}

const HOSTILE = '<b>"&\uFFFD\uFFFD';

describe('a flame graph', () => {
  test('is well-formed XML, whatever functions and titles are called', () => {
    const document = drawn({ title: ']]></svg>&\u0007' });
    expect(document.querySelector('.title')?.textContent).toBe(']]></svg>&\uFFFD');
    expect([...boxes(document).keys()]).toContain(HOSTILE);
  });

  test('has a box for each function, as wide as its time, below its caller', () => {
    const all = boxes(drawn());
    expect([...all.keys()].toSorted()).toEqual(['(root)', HOSTILE, 'main', 'module', 'parse'].toSorted());
    const [root, main, parse] = ['(root)', 'main', 'parse'].map((name) => all.get(name)) as [Box, Box, Box];
    expect(root.width).toBeCloseTo(INNER, 0);
    expect(main.width).toBeCloseTo(INNER * 0.7, 0);
    expect(parse.width).toBeCloseTo(INNER * 0.2, 0);
    expect(parse.y).toBeGreaterThan(main.y);
    expect(main.y).toBeGreaterThan(root.y);
    expect(parse.x).toBeGreaterThanOrEqual(main.x);
    expect(main.label).toBe('main');
    expect(main.title).toBe('main — file:///app/main.js:10:5\n70.0 ms (70.0 %), itself 20.0 ms in 2 samples');
  });

  test.each([200, 400, 470, 700, 1200])(
    'of width %i has its title and its legend side by side with nothing',
    (width) => {
      const document = drawn({ width, title: '商品 of a title that is long '.repeat(9) });
      const title = document.querySelector('.title');
      expect(title?.textContent).toMatch(/…$/);
      const columns = Array.from(title?.textContent ?? '').reduce(
        (n, c) => n + (c > '\u0590' && c !== '…' ? 2 : 1),
        0,
      );
      expect(columns * 9).toBeLessThanOrEqual(width - 20);
      const texts = [...document.querySelectorAll('svg > text')].filter(({ id }) => id !== 'details');
      const rowsOf = Map.groupBy(texts, (text) => text.getAttribute('y'));
      expect(rowsOf.get('20')).toEqual([title]);
      for (const row of rowsOf.values()) {
        const spans = row.map((text) => {
          const length = text === title ? 0 : (text.textContent?.length ?? 0) * 7.3;
          const x = Number(text.getAttribute('x'));
          return text.getAttribute('text-anchor') === 'end' ? [x - length, x] : [x, x + length];
        });
        spans.sort(([a = 0], [b = 0]) => a - b);
        spans.forEach(([, end = 0], i) => expect(end).toBeLessThanOrEqual(spans[i + 1]?.[0] ?? width));
      }
      const lowest = Math.max(...texts.map((text) => Number(text.getAttribute('y'))));
      expect(boxes(document).get('(root)')?.y).toBeGreaterThan(lowest);
    },
  );

  test('stands on its root where it is to go up, and shows idle time where that is asked for', () => {
    const all = boxes(drawn({ direction: 'up', idle: true }));
    expect((all.get('main') as Box).y).toBeLessThan((all.get('(root)') as Box).y);
    expect((all.get('(idle)') as Box).width).toBeCloseTo(INNER / 2, 0);
  });

  test('colours code by whose it is', () => {
    const all = boxes(drawn());
    const saturations = ['main', 'module', 'parse', '(root)'].map(
      (name) => all.get(name)?.fill.split(' ')[1],
    );
    expect(saturations).toEqual(['90%', '60%', '40%', '0%']);
  });

  test('says how many boxes were too narrow to draw', () => {
    const document = drawn({ minWidthPx: 250 });
    expect(boxes(document).has('parse')).toBe(false);
    expect(document.getElementById('details')?.textContent).toBe('100.0 ms in 4 boxes, 1 too narrow to draw');
  });

  test('of a thread that did nothing has one empty box', () => {
    const profile = { ...named().profile, samples: [], timeDeltas: [] };
    expect([...boxes(drawn({}, { name: 'x', profile })).keys()]).toEqual(['(root)']);
  });

  test.each([
    ['width', { width: 199 }],
    ['direction', { direction: 'left' as 'up' }],
    ['minWidthPx', { minWidthPx: Number.NaN }],
    ['option colour of toFlameGraphSvg', { colour: 'red' } as FlameGraphOptions],
  ])('refuses a wrong %s', (argument, options) => {
    expect(() => toFlameGraphSvg(named(), options)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_RANGE', argument }) as Error,
    );
  });
});

describe('the script of a flame graph', () => {
  const run = (pattern: string | null = null): Document => {
    const document = drawn();
    const window = document.defaultView as Window & typeof globalThis;
    window.prompt = () => pattern;
    // jsdom runs no scripts of SVG by itself.
    window.eval(document.querySelector('script')?.textContent as string);
    return document;
  };
  const click = (document: Document, element: Element | null | undefined): void => {
    const { Event } = document.defaultView as Window & typeof globalThis;
    element?.dispatchEvent(new Event('click'));
  };
  const shown = (document: Document): string[] =>
    [...boxes(document)]
      .filter(([, { g }]) => (g as SVGElement).style.display !== 'none')
      .map(([name]) => name);

  test('zooms in on what is clicked, and out again', () => {
    const document = run();
    const before = boxes(document);
    click(document, before.get('main')?.g);
    expect(shown(document).toSorted()).toEqual(['(root)', HOSTILE, 'main', 'parse'].toSorted());
    const zoomed = boxes(document);
    for (const name of ['(root)', 'main']) expect(zoomed.get(name)?.width).toBeCloseTo(INNER, 0);
    expect(zoomed.get('parse')?.width).toBeCloseTo((INNER * 2) / 7, 0);
    click(document, document.getElementById('reset'));
    expect(shown(document)).toHaveLength(before.size);
    for (const [name, { x, width }] of boxes(document)) {
      expect(x).toBeCloseTo(before.get(name)?.x as number, 1);
      expect(width).toBeCloseTo(before.get(name)?.width as number, 1);
    }
  });

  test('finds names and says how much time they have, what is within it counted once', () => {
    const document = run('^(main|parse)$');
    click(document, document.getElementById('search'));
    expect(document.querySelectorAll('.found')).toHaveLength(2);
    expect(document.getElementById('details')?.textContent).toBe('2 boxes match ^(main|parse)$: 70.0 %');
  });

  test('says what is not a regular expression', () => {
    const document = run('(');
    click(document, document.getElementById('search'));
    expect(document.getElementById('details')?.textContent).toBe('not a regular expression: (');
  });
});
