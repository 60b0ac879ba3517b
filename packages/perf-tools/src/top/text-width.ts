// Text of another process in columns of a terminal: never its control characters, never more columns than there are.
import stringWidth from 'string-width';

/** What a terminal would act on (escape sequences, C1), and what would turn the order of letters (bidi controls), as a visible mark. */
export function harmless(text: string): string {
  return text.toWellFormed().replaceAll(/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/gu, '\uFFFD');
}

/** `text` cut or filled to so many columns. */
export function fitted(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const cut = cutTo(text, columns);
  const fill = ' '.repeat(Math.max(0, columns - stringWidth(cut)));
  return align === 'left' ? cut + fill : fill + cut;
}

const segmenter = new Intl.Segmenter();

/** At most so many columns; the last one says that there was more. */
export function cutTo(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  if (columns <= 0) return '';
  let cut = '';
  let used = 0;
  for (const { segment } of segmenter.segment(text)) {
    const width = stringWidth(segment);
    if (used + width > columns - 1) break;
    cut += segment;
    used += width;
  }
  return `${cut}…`;
}

/** As wide, in the letters that every terminal has. */
export function asciiOnly(text: string): string {
  let plain = '';
  for (const { segment } of segmenter.segment(text))
    plain += /^[\u0020-\u007E]$/.test(segment)
      ? segment
      : (ASCII[segment] ?? '?'.repeat(stringWidth(segment)));
  return plain;
}

/** What corelane-top itself writes. */
const ASCII: Readonly<Record<string, string>> = {
  ...{ '…': '~', '–': '-', '·': '|', '▏': '_', '“': '"', '”': '"', '↑': '^', '↓': 'v', µ: 'u', '∞': 'I' },
};

/** Whether a terminal of such an environment is sent more than ASCII: where a locale is named that has no UTF-8 it is not. */
export function hasUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'UTF-8';
  return /utf-?8/i.test(locale);
}
