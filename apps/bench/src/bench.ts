// A whole run: suites -> groups -> processes -> document.
import { assembleGroup } from './assemble.ts';
import type { Options } from './cli.ts';
import { type BenchDocument, type GroupReport, SCHEMA, type SuiteReport } from './document.ts';
import { describeEnvironment } from './environment.ts';
import { UsageError } from './errors.ts';
import { runInProcess } from './group-process.ts';
import type { RawGroup } from './group-report.ts';
import type { Job } from './messages.ts';
import { loadRegistry, loadSuite } from './suite-source.ts';
import type { Group, Suite } from './suite.ts';
import { judgeRun } from './verdict.ts';

const DEFAULT_TIMEOUT_SECONDS = 300;

export type Progress = (text: string) => void;

/** @throws UsageError for a suite or a group that is not there, before anything runs */
export async function runBench(options: Options, progress: Progress): Promise<BenchDocument> {
  const startedAt = new Date();
  const environment = describeEnvironment();
  const selected = await select(options);
  const suites: SuiteReport[] = [];
  for (const { suite, groups } of selected) {
    const reports: GroupReport[] = [];
    for (const group of groups) reports.push(await runGroup(suite, group, options, progress));
    suites.push({ name: suite.name, title: suite.title, groups: reports });
  }
  return {
    schema: SCHEMA,
    startedAt: startedAt.toISOString(),
    durationMs: Date.now() - startedAt.getTime(),
    environment,
    profile: { ...options.profile, strict: options.strict },
    suites,
    verdict: judgeRun(suites, options),
  };
}

async function select(options: Options): Promise<{ suite: Suite; groups: readonly Group[] }[]> {
  const registry = await loadRegistry(options.from);
  const selected: { suite: Suite; groups: readonly Group[] }[] = [];
  for (const name of options.suites) {
    const suite = await loadSuite(registry, name);
    const groups = suite.groups.filter((group) => group.name.includes(options.group ?? ''));
    if (groups.length === 0)
      throw new UsageError(
        `suite '${name}' has no group with '${options.group}' in its name; there are: ${suite.groups.map((group) => group.name).join(', ')}`,
      );
    selected.push({ suite, groups });
  }
  return selected;
}

async function runGroup(
  suite: Suite,
  group: Group,
  { from, profile }: Options,
  progress: Progress,
): Promise<GroupReport> {
  const phase = (name: Job['phase']): Promise<RawGroup> =>
    runInProcess(
      { from: from ?? null, suite: suite.name, group: group.name, phase: name, profile },
      {
        timeoutSeconds: group.timeoutSeconds ?? DEFAULT_TIMEOUT_SECONDS,
        onProgress: (text) => progress(`${suite.name}/${group.name}: ${text}`),
      },
    );
  const timing = await phase('time');
  const wanted = group.kind === 'batch' && group.cases.some((candidate) => candidate.allocation);
  // What fails to run once would fail, or hang, once more.
  const phases = wanted && timing.failures.length === 0 ? [timing, await phase('allocation')] : [timing];
  return assembleGroup(group, phases, profile.seed);
}

/** The suites and their groups, a line each. */
export async function listSuites(from: string | undefined): Promise<string> {
  const lines: string[] = [];
  const registry = await loadRegistry(from);
  for (const { name, title } of registry) {
    const suite = await loadSuite(registry, name);
    lines.push(`${name}: ${title}`, ...suite.groups.map((group) => `  ${group.name}: ${group.title}`));
  }
  return lines.join('\n');
}
