import type { ParsedSnapshot, RegistrySnapshot } from '@corelane/perf-counters';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { render, type Size } from '../../src/top/frame.ts';
import { soundSnapshot } from '../../src/top/sound-snapshot.ts';
import { asciiOnly, hasUtf8 } from '../../src/top/text-width.ts';
import {
  press,
  initialView,
  withSilence,
  withSnapshot,
  type Key,
  type Pressed,
  type View,
} from '../../src/top/view.ts';
import { AFTER, BEFORE, HELLO } from './snapshots.ts';

const VIEW = withSnapshot(withSnapshot(initialView(HELLO, 1000), BEFORE), AFTER);

function texts(view: View, size: Size, isInteractive = true): string[] {
  return render(view, size, isInteractive).lines.map(({ text }) => text.trimEnd());
}

describe('a frame', () => {
  test('of a usual terminal', () => {
    expect(texts(VIEW, { columns: 80, rows: 12 })).toEqual([
      'corelane-top · pid 4711 · every 1.00 s · up 1h 02m · Node v26.10.0 · shop',
      'CPU 53% · RSS 96.0 MiB · 2 threads · 6 series',
      'NAME                                  VALUE        /S      P50      P99      MAX',
      'app_process_cpu_seconds_total        1m 01s    530 ms',
      'process_resident_memory_bytes      96.0 MiB',
      'queue_length                             12',
      'request_seconds                       3.50k     1.00k  3.10 ms   250 ms   1.25 s',
      'requests_total{code=200}              1.25M      625k',
      'requests_total{code=500}                  7      3.50',
      '',
      '',
      'by name · q quit  s sort  / filter  w writers  r recent  p pause  ↑↓ scroll',
    ]);
  });

  test('with what each thread has', () => {
    const view = { ...VIEW, perWriter: true, filter: 'request' };
    expect(texts(view, { columns: 64, rows: Infinity }, false).slice(1)).toEqual([
      'CPU 53% · RSS 96.0 MiB · 2 threads · 9 rows of 6 series with “r…',
      'NAME                           VALUE        /S      P99      MAX',
      'request_seconds                3.50k     1.00k   250 ms   1.25 s',
      '  thread 0 (writer 0)          2.90k     1.00k        –   1.25 s',
      '  thread 4 (writer 1)            600         0        –   1.25 s',
      'requests_total{code=200}       1.25M      625k',
      '  thread 0 (writer 0)          1.25M      625k',
      '  thread 4 (writer 1)            500         0',
      'requests_total{code=500}           7      3.50',
      '  thread 0 (writer 0)              0         0',
      '  thread 4 (writer 1)              7      3.50',
    ]);
  });

  test('with quantiles of what was recorded between the two', () => {
    const lines = texts({ ...VIEW, isRecent: true, filter: 'request_seconds' }, { columns: 80, rows: 5 });
    expect(lines.slice(2, 4)).toEqual([
      'NAME                                  VALUE        /S  P50 now  P99 now      MAX',
      'request_seconds                       3.50k     1.00k  10.0 ms  15.9 ms   1.25 s',
    ]);
  });

  test('of the first snapshot has no rates, and before it says that it waits', () => {
    const first = texts(withSnapshot(initialView(HELLO, 1000), BEFORE), { columns: 80, rows: 9 }, false);
    expect(first[1]).toBe('CPU 1.6% since its start · RSS 96.0 MiB · 2 threads · 5 series');
    expect(first[3]).toBe('app_process_cpu_seconds_total        1m 00s         –');
    expect(texts(initialView(HELLO, 500), { columns: 80, rows: 9 })[1]).toBe('waiting for the first figures');
  });

  test('says that no figures come, until some do', () => {
    const first = (view: View): string | undefined => texts(view, { columns: 80, rows: 5 })[0];
    expect(withSilence(VIEW, 3000)).toEqual(VIEW);
    const silent = withSilence(VIEW, 65_000);
    expect(first(silent)).toMatch(/^corelane-top · pid 4711 · NO ANSWER for 1m 05s · up/);
    expect(first(withSilence({ ...silent, isPaused: true }, 5001))).toMatch(/NO ANSWER for 5s/);
    expect(first(withSilence(silent, 0))).toMatch(/every 1\.00 s/);
    expect(first(withSnapshot(silent, AFTER))).toMatch(/every 1\.00 s/);
  });

  test('is as wide in ASCII, which it is for a terminal whose locale has no UTF-8', () => {
    const view = { ...VIEW, filter: 'e', isTyping: true };
    for (const text of [
      ...texts(view, { columns: 64, rows: 12 }),
      ...texts(VIEW, { columns: 40, rows: 5 }),
      '商品 é 👨‍👩‍👧 µ +∞',
    ]) {
      expect(asciiOnly(text)).toMatch(/^[ -~]*$/);
      expect(asciiOnly(text)).toHaveLength(stringWidth(text));
    }
    expect(asciiOnly('12 µs – 商…')).toBe('12 us - ??~');
    expect(hasUtf8({})).toBe(true);
    expect(hasUtf8({ LANG: 'de_DE.UTF-8' })).toBe(true);
    expect(hasUtf8({ LC_CTYPE: 'UTF-8', LANG: 'C' })).toBe(true);
    expect(hasUtf8({ LC_ALL: 'C', LANG: 'de_DE.utf8' })).toBe(false);
    expect(hasUtf8({ LANG: 'POSIX' })).toBe(false);
  });

  test('shows the CPU use between the times when the process looked at it', () => {
    const at = (seconds: number, sampledAtS: number, monotonicMs: number): RegistrySnapshot => {
      const metric = (name: string, value: number, ofWriters: readonly number[]): object => ({
        ...{ name, help: name, type: 'gauge', unit: 'seconds', labels: [] },
        series: [{ labels: {}, value, byWriter: ofWriters.map((each, writer) => ({ writer, value: each })) }],
      });
      // The other thread looks at other times, and was later than this one.
      const sampled = metric('corelane_sources_sampled_timestamp_seconds', 3, [sampledAtS, monotonicMs]);
      const metrics = [metric('process_cpu_seconds_total', seconds, [seconds]), sampled];
      return { ...AFTER, monotonicMs, metrics } as unknown as RegistrySnapshot;
    };
    let view = initialView(HELLO, 1000);
    const shown = [
      at(10, 1100, 1000),
      at(10, 1100, 2000),
      at(15, 1110, 3000),
      at(15, 1110, 4000),
      at(15, 1120, 5000),
    ].map((snapshot) => {
      view = withSnapshot(view, snapshot);
      return texts(view, { columns: 99, rows: 3 })[1]?.split(' · ')[0];
    });
    expect(shown).toEqual([
      ...Array.from({ length: 2 }, () => 'CPU 10% since its start'),
      'CPU 50%',
      'CPU 50%',
      'CPU 0.0%',
    ]);
  });

  test('sorts by what was counted and by what is counted now', () => {
    const first = (view: View): string | undefined =>
      texts(view, { columns: 80, rows: 12 })[3]?.split(' ')[0];
    expect(first({ ...VIEW, sort: 'value' })).toBe('process_resident_memory_bytes');
    expect(first({ ...VIEW, sort: 'rate' })).toBe('requests_total{code=200}');
  });

  test.each([
    [1, 1],
    [1, 50],
    [7, 3],
    [30, 4],
    [55, 10],
    [200, 60],
  ])('never has more columns or rows than the terminal: %i × %i', (columns, rows) => {
    for (const perWriter of [false, true])
      for (const isTyping of [false, true]) {
        const lines = texts({ ...VIEW, perWriter, isTyping, filter: 'e' }, { columns, rows });
        expect(lines.length).toBeLessThanOrEqual(rows);
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
      }
  });

  test('shows nothing that a terminal would act on, and counts wide letters as two', () => {
    const evil = structuredClone(AFTER) as unknown as {
      metrics: { name: string; series: { labels: object }[] }[];
    };
    const [metric] = evil.metrics as [(typeof evil.metrics)[number]];
    metric.name = '\u001B[31mevil\u009B2J\u202E漢字漢字漢字';
    metric.series = metric.series.slice(0, 1);
    const view = withSnapshot(
      initialView({ ...HELLO, title: 'a\nb' }, 1000, { filter: 'evil' }),
      evil as never,
    );
    const lines = texts(view, { columns: 60, rows: 8 }, false);
    expect(texts(view, { columns: 90, rows: 1 })[0]).toContain('a\uFFFDb');
    expect(lines[3]).toBe('\uFFFD[31mevil\uFFFD2J\uFFFD漢字漢…       1.25M         –');
    expect(lines.slice(2).map((line) => stringWidth(line))).toEqual([60, 42]);
    expect(lines.join('')).not.toMatch(/[\p{Cc}\u202E]/u);
  });
});

test('a gauge that JSON has made null, as NaN and infinities are, is a dash, and none of the figures at the top', () => {
  const noFigures = (snapshot: ParsedSnapshot): ParsedSnapshot => ({
    ...snapshot,
    metrics: snapshot.metrics.map((metric) =>
      metric.type === 'gauge'
        ? {
            ...metric,
            series: metric.series.map((series) => ({
              ...series,
              value: null,
              byWriter: series.byWriter.map((each) => ({ ...each, value: null })),
            })),
          }
        : metric,
    ),
  });
  const [before, after] = [BEFORE, AFTER].map((each) => soundSnapshot(noFigures(each)));
  for (const sort of ['name', 'value', 'rate'] as const) {
    const first = withSnapshot(initialView(HELLO, 1000, { sort, perWriter: true }), before as ParsedSnapshot);
    const lines = texts(withSnapshot(first, after as ParsedSnapshot), { columns: 80, rows: 30 });
    expect(lines[1]).not.toContain('RSS');
    expect(lines[1]).toContain('CPU 53%');
    for (const name of ['process_resident_memory_bytes', 'queue_length'])
      expect(lines.find((line) => line.startsWith(name))).toMatch(/ –$/);
  }
});

test('series of a process that speaks otherwise are left out, and all else is shown', () => {
  const [counter, , , , timer] = AFTER.metrics as unknown as { series: object[] }[];
  const withSeries = (metric: object, ...series: unknown[]): object => ({ ...metric, series });
  const good = counter?.series[0] as object;
  const metrics = [
    withSeries(
      counter as object,
      null,
      {},
      { ...good, labels: null },
      { ...good, byWriter: [null] },
      { ...good, value: '1' },
      good,
    ),
    withSeries(
      timer as object,
      good,
      { ...timer?.series[0], quantiles: undefined },
      { ...timer?.series[0], buckets: [1] },
    ),
  ];
  const strange = soundSnapshot({ ...AFTER, writers: [null], metrics } as unknown as RegistrySnapshot);
  for (const perWriter of [true, false]) {
    const view = withSnapshot(
      withSnapshot(initialView(HELLO, 1000, { perWriter, isRecent: true }), strange),
      strange,
    );
    const rows = texts(view, { columns: 80, rows: 9 }, false).slice(3);
    expect(rows[0]).toMatch(/^requests_total\{code=200\} .* 1\.25M/);
    expect(rows).toHaveLength(perWriter ? 3 : 1);
  }
  expect(soundSnapshot(AFTER)).toEqual(AFTER);
});

describe('keys', () => {
  const after = (view: View, ...keys: readonly Key[]): View =>
    keys.reduce((before, key) => (pressed(before, key) as { view: View }).view, view);
  const pressed = (view: View, key: Key): Pressed => press(view, key, 4, 10);
  const letter = (sequence: string): Key => ({ name: sequence, sequence });

  test('q and Ctrl-C quit, Ctrl-Z suspends, while a filter is typed too', () => {
    expect(pressed(VIEW, letter('q'))).toEqual({ kind: 'quit' });
    for (const view of [VIEW, { ...VIEW, isTyping: true }]) {
      expect(pressed(view, { name: 'c', ctrl: true, sequence: '\u0003' })).toEqual({ kind: 'quit' });
      expect(pressed(view, { name: 'z', ctrl: true, sequence: '\u001A' })).toEqual({ kind: 'suspend' });
    }
  });

  test('s goes through the orders, w and p switch on and off', () => {
    expect(after(VIEW, letter('s')).sort).toBe('value');
    expect(after(VIEW, letter('s'), letter('s')).sort).toBe('rate');
    expect(after(VIEW, letter('s'), letter('s'), letter('s')).sort).toBe('name');
    expect(after(VIEW, letter('w')).perWriter).toBe(true);
    expect(after(VIEW, letter('p')).isPaused).toBe(true);
    expect(after(VIEW, letter('p'), letter('p'))).toEqual(VIEW);
  });

  test('paused figures stand still, and go on from where they stood', () => {
    const paused = withSnapshot(initialView(HELLO, 1000, { isPaused: true, current: BEFORE }), AFTER);
    expect(paused.current).toBe(BEFORE);
    const resumed = withSnapshot(after(paused, letter('p')), AFTER);
    expect(resumed).toMatchObject({ previous: BEFORE, current: AFTER });
  });

  test('a filter is typed after /, letters of commands too; backspace, enter and escape do what they do', () => {
    const typing = after(
      VIEW,
      { sequence: '/' },
      letter('q'),
      letter('w'),
      { sequence: '=' },
      { sequence: '漢' },
    );
    expect(typing).toMatchObject({ isTyping: true, filter: 'qw=漢', perWriter: false });
    const kept = after(typing, { name: 'backspace', sequence: '\u007F' }, { name: 'return', sequence: '\r' });
    expect(kept).toMatchObject({ isTyping: false, filter: 'qw=' });
    expect(after(kept, { name: 'escape', sequence: '\u001B' })).toMatchObject({ filter: '' });
    expect(after(typing, { name: 'escape', sequence: '\u001B' })).toMatchObject({
      isTyping: false,
      filter: '',
    });
    expect(after(typing, { name: 'up', sequence: '\u001B[A' }).filter).toBe('qw=漢');
  });

  test('scrolling stays within the rows', () => {
    const key = (name: string): Key => ({ name, sequence: '' });
    expect(after(VIEW, key('up')).scroll).toBe(0);
    expect(after(VIEW, key('down'), key('down')).scroll).toBe(2);
    expect(after(VIEW, key('pagedown'), key('pagedown')).scroll).toBe(6);
    expect(after(VIEW, key('end'), key('pageup')).scroll).toBe(2);
    expect(after({ ...VIEW, scroll: 99 }, key('up')).scroll).toBe(5);
    const scrolled = texts({ ...VIEW, scroll: 99 }, { columns: 80, rows: 6 });
    expect(scrolled.slice(3)).toEqual([
      expect.stringMatching(/^requests_total\{code=200\}/),
      expect.stringMatching(/^requests_total\{code=500\}/),
      expect.stringMatching(/^by name · rows 5–6 of 6 · q quit/),
    ] as unknown[]);
  });
});
