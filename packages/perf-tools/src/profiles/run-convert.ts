// corelane-profile: `.cpuprofile` files, of whatever wrote them, as pictures and for other tools. From a command line to an exit code.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { harmless } from '../top/text-width.ts';
import { callTree, type CallTree } from './call-tree.ts';
import { checkCpuProfile } from './cpu-profile.ts';
import { toFlameGraphSvg } from './flame-graph-svg.ts';
import { mergeProfiles } from './merged-profile.ts';
import type { NamedProfile } from './recording.ts';
import { applySourceMaps } from './source-maps.ts';
import { toSpeedscope } from './speedscope.ts';

export const CONVERT_USAGE = `corelane-profile [options] file.cpuprofile…

Turns CPU profiles of V8 (node --cpu-prof, Chrome, @corelane/perf-tools/profiles) into other files; one profile a thread.
Without an option: prints which functions took most time.

      --svg <file>         a flame graph
      --speedscope <file>  for https://www.speedscope.app
      --merge <file>       all of them as one .cpuprofile
      --source-maps        names and places of what the scripts were compiled or bundled from
      --sum                threads added up, not side by side
      --title <text>       of the flame graph
  -h, --help

Exit codes: 0 fine; 1 a file that can't be read, written, or is no CPU profile; 2 usage.
`;

const MOST = 20;

/** @returns the exit code */
export function runConvert(argv: readonly string[]): number {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        svg: { type: 'string' },
        speedscope: { type: 'string' },
        merge: { type: 'string' },
        'source-maps': { type: 'boolean', default: false },
        sum: { type: 'boolean', default: false },
        title: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return complain(`${(error as Error).message}\n\n${CONVERT_USAGE.trimEnd()}`, 2);
  }
  const { values, positionals: files } = parsed;
  if (values.help) {
    process.stdout.write(CONVERT_USAGE);
    return 0;
  }
  if (files.length === 0) return complain(`no file\n\n${CONVERT_USAGE.trimEnd()}`, 2);
  if (values.title !== undefined && values.svg === undefined) return complain('--title is that of --svg', 2);
  try {
    const read = named(files.map(readProfile), files);
    const profiles = values['source-maps'] ? mapped(read) : read;
    const options = values.sum ? { byThread: false } : {};
    const title = values.title ?? files.map((file) => basename(file)).join(', ');
    if (values.svg !== undefined) writeFileSync(values.svg, toFlameGraphSvg(profiles, { title, ...options }));
    if (values.speedscope !== undefined)
      writeFileSync(values.speedscope, JSON.stringify(toSpeedscope(values.sum ? sum(profiles) : profiles)));
    if (values.merge !== undefined)
      writeFileSync(values.merge, JSON.stringify(mergeProfiles(profiles, options)));
    if (values.svg === undefined && values.speedscope === undefined && values.merge === undefined)
      process.stdout.write(hottest(profiles));
    return 0;
  } catch (error) {
    return complain((error as Error).message, 1);
  }
}

/** @throws with the name of the file */
function readProfile(file: string): NamedProfile {
  try {
    const profile = checkCpuProfile(JSON.parse(readFileSync(file, 'utf8')));
    return { name: basename(file, '.cpuprofile'), profile };
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`, { cause: error });
  }
}

/** Files of the same name are told apart by their paths. */
function named(profiles: readonly NamedProfile[], files: readonly string[]): readonly NamedProfile[] {
  const isUnique = new Set(profiles.map(({ name }) => name)).size === profiles.length;
  return isUnique ? profiles : profiles.map((profile, i) => ({ ...profile, name: files[i] as string }));
}

/** What could not be mapped is said, and stays as it was. */
function mapped(read: readonly NamedProfile[]): readonly NamedProfile[] {
  const { profiles, problems, mappedNodes } = applySourceMaps(read);
  for (const { url, message } of problems.slice(0, MOST)) complain(`${oneLine(url)}: ${message}`, 0);
  if (problems.length > MOST) complain(`and ${problems.length - MOST} more scripts without their maps`, 0);
  if (mappedNodes === 0) complain('no function was found in a source map', 0);
  return profiles;
}

function sum(profiles: readonly NamedProfile[]): NamedProfile {
  return { name: 'all', profile: mergeProfiles(profiles, { byThread: false }) };
}

/** By the time in which they were on top of the stack, wherever they were called from. */
function hottest(profiles: readonly NamedProfile[]): string {
  const root = callTree(profiles, { byThread: false });
  const selfUs = new Map<string, number>();
  const waiting: CallTree[] = [root];
  for (const node of waiting) {
    const { functionName, url, lineNumber, columnNumber } = node;
    const place =
      url === '' ? '' : ` ${url}${lineNumber < 0 ? '' : `:${lineNumber + 1}:${columnNumber + 1}`}`;
    const key = oneLine(`${functionName || '(anonymous)'}${place}`);
    selfUs.set(key, (selfUs.get(key) ?? 0) + node.selfUs);
    for (const child of node.children) waiting.push(child);
  }
  const found = [...selfUs].filter(([, us]) => us > 0).toSorted(([, a], [, b]) => b - a);
  const lines = found.slice(0, MOST).map(([name, us]) => {
    const share = `${((us / root.totalUs) * 100).toFixed(1)}%`;
    return `${share.padStart(6)} ${(us / 1000).toFixed(1).padStart(10)} ms  ${name}\n`;
  });
  if (found.length > MOST) lines.push(`       and ${found.length - MOST} more\n`);
  return lines.join('');
}

/** Nothing that a terminal would act on. */
function oneLine(text: string): string {
  return harmless(JSON.stringify(text).slice(1, -1));
}

function complain(why: string, exitCode: number): number {
  // What is no JSON is quoted by the complaint of JSON.parse, as it is.
  process.stderr.write(`corelane-profile: ${why.split('\n').map(harmless).join('\n')}\n`);
  return exitCode;
}
