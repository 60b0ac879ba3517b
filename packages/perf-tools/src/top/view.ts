// What the screen shows and what keys do to it: pure.
import type { ParsedSnapshot } from '@corelane/perf-counters';
import type { Hello } from '@corelane/perf-counters/socket';
import type { SortKey } from './rows.ts';
import { nextCpuUse, type CpuUse } from './vital-signs.ts';

export interface View {
  readonly hello: Pick<Hello, 'pid' | 'title' | 'node' | 'startedAtMs'>;
  readonly everyMs: number;
  /** What is shown, and the one before it, for rates. */
  readonly previous?: ParsedSnapshot;
  readonly current?: ParsedSnapshot;
  readonly cpu?: CpuUse;
  readonly sort: SortKey;
  readonly filter: string;
  /** The filter is being typed. */
  readonly isTyping: boolean;
  readonly perWriter: boolean;
  /** Quantiles are those of what was recorded since the figures before. */
  readonly isRecent: boolean;
  readonly isPaused: boolean;
  /** Milliseconds since the last figures came, where that is longer than it should be: the process is busy, or stopped. */
  readonly silentMs?: number;
  /** Rows that are above the first one shown. */
  readonly scroll: number;
}

/** A key as node:readline names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly meta?: boolean | undefined;
  /** What was typed. */
  readonly sequence?: string | undefined;
}

export type Pressed =
  | { readonly kind: 'view'; readonly view: View }
  | { readonly kind: 'quit' }
  | { readonly kind: 'suspend' };

const SORTS: readonly SortKey[] = ['name', 'value', 'rate'];

export function initialView(hello: View['hello'], everyMs: number, chosen: Partial<View> = {}): View {
  return {
    hello,
    everyMs,
    sort: 'name',
    filter: '',
    isTyping: false,
    perWriter: false,
    isRecent: false,
    isPaused: false,
    scroll: 0,
    ...chosen,
  };
}

/** What is late, beyond the interval. Guessed: a process that is busy for less is no news. */
const LATE_MS = 2000;

/** @param agoMs since the last figures came */
export function withSilence(view: View, agoMs: number): View {
  const { silentMs, ...rest } = view;
  if (agoMs > view.everyMs + LATE_MS) return { ...rest, silentMs: agoMs };
  return silentMs === undefined ? view : rest;
}

/** While it is paused the figures stand still. */
export function withSnapshot(before: View, snapshot: ParsedSnapshot): View {
  const view = withSilence(before, 0);
  if (view.isPaused) return view;
  const { current } = view;
  const cpu = nextCpuUse(view.cpu, snapshot);
  return {
    ...view,
    current: snapshot,
    ...(current === undefined ? {} : { previous: current }),
    ...(cpu === undefined ? {} : { cpu }),
  };
}

/**
 * @param pageRows rows of figures on the screen
 * @param allRows rows that there are
 */
export function press(view: View, key: Key, pageRows: number, allRows: number): Pressed {
  if (key.ctrl === true && key.name === 'c') return { kind: 'quit' };
  if (key.ctrl === true && key.name === 'z') return { kind: 'suspend' };
  if (view.isTyping) return shown(typed(view, key));
  const last = Math.max(0, allRows - pageRows);
  const to = (scroll: number): Pressed => shown({ ...view, scroll: Math.min(last, Math.max(0, scroll)) });
  const from = Math.min(view.scroll, last);
  switch (key.name ?? '') {
    case 'q':
      return { kind: 'quit' };
    case 's':
      return shown({
        ...view,
        sort: SORTS[(SORTS.indexOf(view.sort) + 1) % SORTS.length] as SortKey,
        scroll: 0,
      });
    case 'w':
      return shown({ ...view, perWriter: !view.perWriter, scroll: 0 });
    case 'r':
      return shown({ ...view, isRecent: !view.isRecent });
    case 'p':
    case 'space':
      return shown({ ...view, isPaused: !view.isPaused });
    case 'escape':
      return shown({ ...view, filter: '', scroll: 0 });
    case 'down':
    case 'j':
      return to(from + 1);
    case 'up':
    case 'k':
      return to(from - 1);
    case 'pagedown':
      return to(from + pageRows);
    case 'pageup':
      return to(from - pageRows);
    case 'home':
      return to(0);
    case 'end':
      return to(last);
    default:
      return shown(key.sequence === '/' ? { ...view, isTyping: true } : view);
  }
}

function typed(view: View, { name, sequence = '', ctrl = false, meta = false }: Key): View {
  switch (name ?? '') {
    case 'return':
    case 'enter':
      return { ...view, isTyping: false };
    case 'escape':
      return { ...view, isTyping: false, filter: '', scroll: 0 };
    case 'backspace':
      return { ...view, filter: view.filter.replace(/.$/u, ''), scroll: 0 };
    default: {
      const isText = !ctrl && !meta && /^[\u0020-\u007E\u00A0-\uFFFF\u{10000}-\u{10FFFF}]+$/u.test(sequence);
      return isText && view.filter.length < 128
        ? { ...view, filter: view.filter + sequence, scroll: 0 }
        : view;
    }
  }
}

function shown(view: View): Pressed {
  return { kind: 'view', view };
}
