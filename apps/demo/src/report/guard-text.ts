// The part of the report about compressed bodies.
import { isBomb, OUTCOMES } from '@corelane/atomic-state';
import { bombsOf } from './guard-equations.ts';
import type { Ledger } from './ledger.ts';
import { table, type TableStyle } from './table.ts';

export function guardText({ guard }: Ledger, style: TableStyle): string {
  const rows = Object.entries(guard).map(([format, figures]) => {
    const { outcomes, bytesIn, bytesOut, largestRatio } = figures;
    const looked = Object.values(outcomes).reduce((total, count) => total + count, 0);
    const { plain, passed } = outcomes;
    const bombs = bombsOf(figures);
    const why = OUTCOMES.filter(
      (outcome) => outcome !== 'plain' && outcome !== 'passed' && outcomes[outcome] > 0,
    ).map((outcome) => `${outcomes[outcome]} ${outcome}${isBomb(outcome) ? ' ✸' : ''}`);
    const compressed = format !== 'none';
    return [
      compressed ? format : 'not compressed',
      looked,
      plain + passed,
      bombs,
      looked - plain - passed - bombs,
      compressed ? bytesIn : '',
      compressed ? bytesOut : '',
      compressed ? `${largestRatio.toFixed(1)}:1` : '',
      why.join(', '),
    ];
  });
  const columns = ['looked at', 'passed', 'bombs', 'bad', 'bytes in', 'bytes out', 'largest ratio'];
  return table(['format', ...columns, 'refused: why (✸ a bomb)'], rows, style, [0, 8]);
}
