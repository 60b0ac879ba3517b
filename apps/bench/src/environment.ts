import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os';

export interface Environment {
  readonly node: string;
  readonly v8: string;
  readonly platform: string;
  readonly arch: string;
  readonly kernel: string;
  readonly cpuModel: string;
  readonly cpus: number;
  readonly totalMemoryBytes: number;
  /** 1, 5 and 15 minutes, at the start of the run. */
  readonly loadAverage: readonly number[];
  /** Null outside a git checkout. */
  readonly commit: string | null;
  /** Whether the working tree differs from `commit`. */
  readonly modified: boolean | null;
  /** Exact versions of the npm packages: peers and what measures them. */
  readonly libraries: Readonly<Record<string, string>>;
}

function git(...args: string[]): string | null {
  try {
    return execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

export function describeEnvironment(): Environment {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const status = git('status', '--porcelain');
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    platform: process.platform,
    arch: process.arch,
    kernel: `${type()} ${release()}`,
    cpuModel: cpus()[0]?.model ?? 'unknown',
    cpus: availableParallelism(),
    totalMemoryBytes: totalmem(),
    loadAverage: loadavg(),
    commit: git('rev-parse', 'HEAD'),
    modified: status === null ? null : status !== '',
    libraries: Object.fromEntries(
      Object.entries(manifest.dependencies).filter(([name]) => !name.startsWith('@corelane/')),
    ),
  };
}
