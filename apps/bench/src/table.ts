// The report for people.
import Table from 'cli-table3';
import type { BenchDocument, CaseReport, GroupReport, SeriesReport } from './document.ts';
import { BYTES_PER_OP, NS_PER_OP } from './suite.ts';

const MARKS = { met: 'met         ', missed: 'MISSED      ', inconclusive: 'inconclusive' } as const;

/** Three significant digits, no exponent. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const digits = Math.max(0, Math.min(4, 2 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function interval([low, high]: readonly [number, number]): string {
  return `${number(low)}–${number(high)}`;
}

function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) => (column < 2 ? 'left' : 'right')),
  });
  for (const row of rows) table.push([...row]);
  return table.toString();
}

function batchTable(group: GroupReport): string {
  const first = group.cases.find((candidate) => candidate.role === 'ours')?.name;
  const isReference = (name: string): boolean =>
    name === first || group.ratios.some(({ against }) => against === name);
  return renderTable(
    ['case', 'role', 'ns/op', '± MAD', 'min–max', 'B/op', '× ours (95 %)', 'batch', 'ops'],
    group.cases.filter(measurable).map((candidate) => {
      const ns = candidate.metrics[NS_PER_OP];
      const bytes = candidate.metrics[BYTES_PER_OP];
      const ratio = group.ratios.find((found) => found.of === candidate.name);
      return [
        candidate.name,
        candidate.role,
        ns ? number(ns.median) : '–',
        ns ? number(ns.mad) : '–',
        ns ? interval([ns.min, ns.max]) : '–',
        bytes ? number(bytes.median) : '',
        isReference(candidate.name)
          ? '1'
          : ratio
            ? `${number(ratio.median)} (${interval(ratio.interval)})`
            : '',
        candidate.operationsPerBatch.toLocaleString('en-US'),
        candidate.operations.toLocaleString('en-US'),
      ];
    }),
  );
}

function measurable({ unavailable }: CaseReport): boolean {
  return unavailable === null;
}

function furtherMetrics(candidate: CaseReport): [string, SeriesReport][] {
  return Object.entries(candidate.metrics).filter(([name]) => name !== NS_PER_OP && name !== BYTES_PER_OP);
}

function metricTable(group: GroupReport): string | undefined {
  const rows = group.cases.flatMap((candidate) =>
    furtherMetrics(candidate).map(([name, series]) => [
      candidate.name,
      name,
      `${number(series.median)} ${series.unit}`,
      number(series.mad),
      interval([series.min, series.max]),
    ]),
  );
  return rows.length === 0 ? undefined : renderTable(['case', 'figure', 'median', '± MAD', 'min–max'], rows);
}

function publishedTable(group: GroupReport): string | undefined {
  if (group.publication === null) return undefined;
  const { source, figures } = group.publication;
  const rows = figures.map(({ what, unit, published, measured }) => [
    what,
    unit,
    published,
    measured === null ? 'not measured' : number(measured),
  ]);
  return `  ${source}:\n${renderTable(['figure', 'unit', 'published', 'measured here'], rows)}`;
}

function roundsLine(group: GroupReport): string {
  if (group.rounds.length === 0) return 'rounds: none';
  const dirty = group.rounds.filter((round) => round.dirty !== null);
  const foreign = group.rounds.map((round) => round.load.foreignCpus).filter((cpus) => cpus !== null);
  const stolen = group.rounds.map((round) => round.load.stealCpus).filter((cpus) => cpus !== null);
  const loads =
    foreign.length === 0
      ? 'foreign CPU not observable here'
      : `foreign work at most ${number(Math.max(...foreign))} CPUs, steal at most ${number(Math.max(0, ...stolen))}`;
  const dropped =
    dirty.length === 0
      ? 'none dropped'
      : group.conclusive
        ? `${dirty.length} dropped (${dirty[0]?.dirty})`
        : `${dirty.length} dirty and kept, for too few were clean (${dirty[0]?.dirty}): INCONCLUSIVE`;
  return `rounds: ${group.rounds.length - dirty.length} clean, ${dropped}; ${loads}`;
}

function renderGroup(suite: string, group: GroupReport): string {
  const lines = [`\n${suite} / ${group.name}: ${group.title}`];
  if (group.note !== null) lines.push(`  ${group.note}`);
  if (group.kind === 'batch' && group.cases.some(measurable)) lines.push(batchTable(group));
  const metrics = metricTable(group);
  if (metrics !== undefined) lines.push(metrics);
  const published = publishedTable(group);
  if (published !== undefined) lines.push(published);
  for (const { name, note } of group.cases) if (note !== null) lines.push(`  ${name}: ${note}`);
  for (const { name, unavailable } of group.cases)
    if (unavailable !== null) lines.push(`  ${name}: not measurable here: ${unavailable}`);
  for (const claim of group.claims) {
    const measured =
      claim.value === null || claim.interval === null
        ? 'not measured'
        : `${number(claim.value)} (${interval(claim.interval)})`;
    lines.push(`  ${MARKS[claim.status]} ${claim.text}: ${measured}`);
  }
  const peers = new Set(group.cases.filter(({ role }) => role === 'peer').map(({ name }) => name));
  for (const {
    of,
    against,
    median,
    interval: [, high],
  } of group.ratios)
    if (high < 1 && peers.has(of))
      lines.push(`  we lose:     ${of} takes ${number(median)} × the time of ${against}`);
  lines.push(`  ${roundsLine(group)}`);
  if (group.clock)
    lines.push(
      `  clock: hrtime ${number(group.clock.hrtimeNs)} ns, performance.now ${number(group.clock.performanceNowNs)} ns a read`,
    );
  for (const failure of group.failures)
    lines.push(`  FAILED ${failure.case === null ? '' : `${failure.case}: `}${failure.reason}`);
  return lines.join('\n');
}

export function renderDocument(document: BenchDocument): string {
  const { environment: env, profile, verdict } = document;
  const commit =
    env.commit === null ? 'no commit' : env.commit.slice(0, 10) + (env.modified ? ' modified' : '');
  const lines = [
    `node ${env.node}, ${env.cpus} × ${env.cpuModel}, ${env.kernel}, load ${env.loadAverage.map((load) => load.toFixed(2)).join(' ')}, ${commit}`,
    `seed ${profile.seed}, ${profile.rounds} rounds, batches of at least ${profile.batchMs} ms, medians over rounds`,
  ];
  if (profile.quick) lines.push('QUICK RUN: results are checked; the figures are no evidence.');
  for (const suite of document.suites)
    for (const group of suite.groups) lines.push(renderGroup(suite.name, group));
  lines.push('', `exit code ${verdict.exitCode}`, ...verdict.reasons.map((reason) => `  ${reason}`));
  return lines.join('\n');
}
