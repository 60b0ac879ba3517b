// Names of metrics without what OpenTelemetry keeps apart from them. Pure.
import type { Definition } from '../definition.ts';

type Named = Pick<Definition, 'name' | 'type' | 'unit'>;

/**
 * Takes `_total` from counters and units from all metrics, as what writes for Prometheus puts them on. A metric keeps its own name where
 * the other one is, or would be, another metric's: `jobs_total` beside `jobs`.
 */
export function namesWithoutSuffixes<T extends Named>(definitions: readonly T[]): Map<T, string> {
  const takers = new Map<string, number>();
  for (const each of definitions)
    for (const name of new Set([each.name, plainName(each)])) takers.set(name, (takers.get(name) ?? 0) + 1);
  return new Map(
    definitions.map((each) => {
      const plain = plainName(each);
      return [each, takers.get(plain) === 1 ? plain : each.name];
    }),
  );
}

function plainName({ name, type, unit }: Named): string {
  const counted = type === 'counter' ? name.replace(/_total$/, '') : name;
  const plain = unit !== '' && counted.endsWith(`_${unit}`) ? counted.slice(0, -unit.length - 1) : counted;
  return plain === '' ? name : plain;
}
