// The report for people.
import { styleText } from 'node:util';
import type { AnswerName } from '../gateway/answer.ts';
import { PRIORITY_NAMES } from '../gateway/event-books.ts';
import { KINDS } from '../load/kinds.ts';
import { guardText } from './guard-text.ts';
import type { EndpointRow, Report } from './report.ts';
import { formatCell, table, type TableStyle } from './table.ts';

const ENDPOINTS_SHOWN = 12;

export function reportText(report: Report, style: TableStyle): string {
  const heading = (title: string): string =>
    style.rich ? styleText('bold', title, { validateStream: false }) : title;
  const section = (title: string, ...body: string[]): string => [heading(title), ...body].join('\n');
  return `${[
    section('Corelane gateway', ...facts(report)),
    section('Throughput and latency', throughput(report), latency(report, style)),
    section('Answers', answers(report, style)),
    section('Requests by kind', kinds(report, style)),
    section('Endpoints', endpoints(report, style)),
    section('Compressed bodies', guardText(report.ledger, style)),
    section('Events by priority', events(report, style)),
    section('Breakers', ...breakers(report)),
    section('Buffers and memory', ...memory(report)),
    section('Conservation check', checks(report, style), verdict(report, style)),
  ].join('\n\n')}\n`;
}

function facts({ facts: f }: Report): string[] {
  const listeners = f.reusePort
    ? `${f.workers} HTTP workers on one port`
    : `1 listener, because workers cannot share a port here (${f.reusePortReason})`;
  const dead = f.outages.map(
    ({ mode, beganMs, endedMs }) =>
      `${seconds(beganMs)} to ${endedMs === null ? 'the end' : seconds(endedMs)} (${mode})`,
  );
  return [
    `  ${listeners}, ${f.checkThreads} check ${f.checkThreads === 1 ? 'thread' : 'threads'}; Node ${f.node}, ${f.cpus} CPUs`,
    `  ${f.payloads} payloads from ${f.connections} connections for ${seconds(f.durationMs)}, each sending when its last answer is in` +
      (f.interrupted ? '; ended early by Ctrl-C' : ''),
    `  upstream dead: ${dead.length === 0 ? 'never' : `from ${dead.join(', ')}`}`,
    ...(f.replacedWorkers > 0 ? [`  ${f.replacedWorkers} HTTP workers died and were replaced`] : []),
    ...(f.saturated ? ['  from 60 % of the run on the upstream was slower than the load'] : []),
    ...(f.fault === 'stuck-check' ? ['  fault injected: checks of bodies that never come back'] : []),
    ...(f.replacedCheckThreads > 0
      ? [`  ${f.replacedCheckThreads} check threads were given up and replaced`]
      : []),
    ...(f.lastStuckIn === null ? [] : [`  the last one was stuck in ${f.lastStuckIn}`]),
  ];
}

function throughput({ ledger: { client } }: Report): string {
  const perSecond = (count: number): string => formatCell(Math.round(count / (client.elapsedMs / 1000)));
  return `  ${formatCell(client.answered)} requests answered, ${perSecond(client.answered)}/s; ${formatCell(client.answers.accepted)} accepted, ${perSecond(client.answers.accepted)}/s`;
}

function latency({ ledger: { client } }: Report, style: TableStyle): string {
  const rows = (['all', 'accepted', 'refused'] as const).map((name) => {
    const { count, p50, p90, p99, p999, max } = client.latency[name];
    return [name, count, p50, p90, p99, p999, max];
  });
  return table(['ms', 'count', 'p50', 'p90', 'p99', 'p99.9', 'max'], rows, style);
}

function answers({ equations: { answers: list }, ledger: { client } }: Report, style: TableStyle): string {
  const rows = list
    .filter(({ left, right }) => left.value > 0 || right.value > 0)
    .map(({ name, left, right, holds }) => [
      mark(holds, style),
      name,
      left.value,
      right.value,
      percent(left.value, client.answered),
    ]);
  return table(['', 'answer', 'client', 'gateway', 'share'], rows, style, [0, 1]);
}

function kinds({ ledger: { client } }: Report, style: TableStyle): string {
  const rows = KINDS.filter((kind) => client.byKind[kind] > 0).map((kind) => {
    const wrong = Object.entries(client.unexpected).filter(([what]) => what.startsWith(`${kind}:`));
    return [
      kind,
      client.byKind[kind],
      wrong.length === 0 ? 'as it should be' : wrong.map(([what, n]) => `${n} × ${what}`).join(', '),
    ];
  });
  return table(['kind', 'sent', 'answered'], rows, style, [0, 2]);
}

const COLUMNS: readonly (readonly [string, readonly AnswerName[]])[] = [
  ['accepted', ['accepted']],
  ['open', ['open', 'probing']],
  ['throttled', ['throttled']],
  ['failed', ['upstreamFailed']],
  ['overloaded', ['overloaded', 'workerLost']],
  [
    'bad',
    ['malformed', 'tooDeep', 'badName', 'unknownEncoding', 'tooLarge', 'bomb', 'badSignature', 'noSignature'],
  ],
];

function endpoints({ endpoints: rows }: Report, style: TableStyle): string {
  const counts = (row: EndpointRow): number[] =>
    COLUMNS.map(([, names]) => names.reduce((sum, name) => sum + (row.answers[name] ?? 0), 0));
  const total = (row: EndpointRow): number => counts(row).reduce((a, b) => a + b, 0);
  const sorted = rows.toSorted((a, b) => total(b) - total(a));
  const cells = (row: EndpointRow): (string | number)[] => [
    row.endpoint,
    ...counts(row),
    row.trips,
    row.reopens,
    row.state,
  ];
  const shown = sorted.slice(0, ENDPOINTS_SHOWN).map(cells);
  const rest = sorted.slice(ENDPOINTS_SHOWN);
  if (rest.length > 0) {
    const sums = rest
      .map((row) => [...counts(row), row.trips, row.reopens])
      .reduce((a, b) => a.map((n, i) => n + (b[i] ?? 0)));
    const states = [...new Set(rest.map(({ state }) => state))].map(
      (state) => `${rest.filter((row) => row.state === state).length} ${state}`,
    );
    shown.push([`${rest.length} more`, ...sums, states.join(', ')]);
  }
  return table(
    ['endpoint', ...COLUMNS.map(([name]) => name), 'trips', 'reopened', 'state'],
    shown,
    style,
    [0, 9],
  );
}

function events({ ledger: { events: e } }: Report, style: TableStyle): string {
  const rows = PRIORITY_NAMES.map((name) => {
    const { accepted, ended, waitMs, totalMs } = e.byPriority[name];
    const ends = [ended.delivered, ended.failed, ended.refused, ended.withdrawn];
    return [name, accepted, ...ends, waitMs.p50, waitMs.p99, waitMs.max, totalMs.p50, totalMs.p99];
  });
  const ends = ['delivered', 'failed', 'opened since', 'withdrawn'];
  return table(['', 'accepted', ...ends, 'wait ms p50', 'p99', 'max', 'to outcome p50', 'p99'], rows, style);
}

function breakers({ facts: f, ledger: { gateway, leak } }: Report): string[] {
  const { tripped, reopened } = gateway.records;
  return [
    ...(f.breakers === 'per-worker'
      ? ['  one opossum breaker for each endpoint on each worker; state words not used']
      : []),
    `  ${formatCell(tripped)} trips, ${formatCell(reopened)} reopened after a failed probe, ${formatCell(gateway.probes)} half-open probes`,
    `  ${formatCell(leak.leaked)} calls reached the dead upstream after a breaker of their endpoint had opened, ${formatCell(leak.leakedProbes)} of them probes; ` +
      `${formatCell(leak.inFlightAtTrip)} calls were in flight at a trip`,
  ];
}

function memory({ ledger: { pool, memory: m, client } }: Report): string[] {
  return [
    `  ${formatCell(pool.capacity)} buffers of ${bytes(pool.bufferBytes)}: ${formatCell(pool.acquired)} leases, ${formatCell(pool.failures)} refused, ` +
      `${formatCell(pool.capacity - pool.free)} out; bodies held at the peak: ${bytes(m.bodies.peakBytes)}`,
    `  arena ${bytes(m.arenaUsedBytes)} of ${bytes(m.arenaBytes)} used; resident ${bytes(m.rssBytes)}`,
    `  ${formatCell(client.answers.bomb)} compression bombs refused (50 MB each, had they been inflated)`,
  ];
}

function checks({ equations: { flow, guard, events: ofEvents, words } }: Report, style: TableStyle): string {
  const rows = [...flow, ...guard, ...ofEvents, ...words].map(({ name, left, relation, right, holds }) => [
    mark(holds, style),
    name,
    left.what,
    left.value,
    relation,
    right.value,
    right.what,
  ]);
  return table(['', 'equation', 'one side', '', '', '', 'the other'], rows, style, [0, 1, 2, 4, 6]);
}

function verdict(
  { equations: { answers: ofAnswers, flow, guard, events: ofEvents, words }, balanced }: Report,
  style: TableStyle,
): string {
  const all = [...ofAnswers, ...flow, ...guard, ...ofEvents, ...words];
  const broken = all.filter(({ holds }) => !holds).length;
  const text = balanced
    ? `  all ${all.length} equations hold, the ${ofAnswers.length} of the table of answers included`
    : `  ${broken} of ${all.length} equations do not hold`;
  if (!style.rich) return text;
  return styleText(balanced ? 'green' : 'red', text, { validateStream: false });
}

function mark(holds: boolean, { rich }: TableStyle): string {
  if (!rich) return holds ? 'ok' : 'NO';
  return styleText(holds ? 'green' : 'red', holds ? '✓' : '✗', { validateStream: false });
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '–' : `${((100 * part) / whole).toFixed(1)} %`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function bytes(count: number): string {
  if (count < 1024) return `${count} B`;
  const kib = count / 1024;
  return kib < 1024 ? `${kib.toFixed(0)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
