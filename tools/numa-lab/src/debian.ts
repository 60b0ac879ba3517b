/**
 * Debian packages without installing any: apt with a state folder of its own, which believes that nothing is installed, so that "what
 * qemu needs" is everything down to libc. Needs no root and changes nothing outside its folder. Sources and keys are the host's.
 */
import { mkdir, readFile, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandResult } from './command.ts';
import { run, tail } from './command.ts';
import { LabError } from './errors.ts';

export type Architecture = 'amd64' | 'arm64';

/** The release that the host runs, or newer versions built for it. */
export type Suite = 'release' | 'backports';

const HOW_TO_GET_APT =
  'the lab takes its emulator and kernels from the Debian archive: run it on Debian or in a debian container (docker run -it node:26-bookworm)';

const HOST_SOURCES = '/etc/apt/sources.list.d';

export class Debian {
  readonly #architecture: Architecture;
  readonly #directory: string;
  readonly #options: readonly string[];

  private constructor(directory: string, architecture: Architecture, defaultRelease: string | null) {
    this.#architecture = architecture;
    this.#directory = directory;
    const options = {
      'Dir::State': join(directory, 'state'),
      'Dir::State::status': join(directory, 'status'),
      'Dir::Etc::sourceparts': join(directory, 'sources'),
      'Dir::Cache': join(directory, 'cache'),
      'Dir::Log': join(directory, 'log'),
      'APT::Architecture': architecture,
      'APT::Architectures': architecture,
      'APT::Install-Recommends': '0',
      // No locks, no other user: nobody else uses this folder.
      'Debug::NoLocking': '1',
      'APT::Sandbox::User': 'root',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
      // Lists that can't be fetched are an error, and not merely old.
      'APT::Update::Error-Mode': 'any',
    };
    const release = defaultRelease === null ? {} : { 'APT::Default-Release': defaultRelease };
    this.#options = Object.entries({ ...options, ...release }).flatMap(([name, value]) => [
      '-o',
      `${name}=${value}`,
    ]);
  }

  /**
   * Fetches the lists of packages into `directory`, which is made. From `backports`, a package is taken from there where it has one.
   * @throws LabError `ERR_LAB_HOST` without apt or dpkg-deb, `ERR_LAB_PACKAGE` where the archive can't be reached.
   */
  static async open(directory: string, architecture: Architecture, suite: Suite): Promise<Debian> {
    const sources = join(directory, 'sources');
    for (const folder of ['state/lists/partial', 'cache/archives/partial', 'log', 'sources'])
      await mkdir(join(directory, folder), { recursive: true });
    await writeFile(join(directory, 'status'), '');
    for (const name of await readdir(HOST_SOURCES).catch(() => []))
      await symlink(join(HOST_SOURCES, name), join(sources, name));
    const backports = suite === 'backports' ? `${await codename()}-backports` : null;
    if (backports !== null)
      await writeFile(join(sources, 'numa-lab-backports.sources'), backportsSource(backports));
    const debian = new Debian(directory, architecture, backports);
    const unpacker = await run('dpkg-deb', ['--version']);
    if (unpacker.status !== 0) throw new LabError('ERR_LAB_HOST', `no dpkg-deb here; ${HOW_TO_GET_APT}`);
    await debian.#apt('apt-get', ['update'], 'the lists of packages');
    return debian;
  }

  /** The packages and all that they depend on. */
  async downloadWithDependencies(packages: readonly string[]): Promise<void> {
    await this.#apt('apt-get', ['install', '--download-only', '--yes', ...packages], packages.join(', '));
  }

  /** One package without what it depends on (a kernel depends on the tools that would install it). */
  async download(name: string): Promise<void> {
    await this.#apt('apt-get', ['download', name], name);
  }

  /** All .deb files downloaded so far; apt has checked their hashes. */
  async downloaded(): Promise<string[]> {
    const files: string[] = [];
    for (const folder of [this.#directory, join(this.#directory, 'cache/archives')])
      for (const name of await readdir(folder)) if (name.endsWith('.deb')) files.push(join(folder, name));
    return files.toSorted();
  }

  /** `linux-image-cloud-amd64` → `linux-image-6.1.0-56-cloud-amd64`: what a package that only points somewhere points to. */
  async pointsTo(name: string): Promise<string> {
    const { stdout } = await this.#apt('apt-cache', ['depends', '--important', name], name);
    const target = /^\s*Depends: (linux-image-[\w.+-]+)$/m.exec(stdout)?.[1];
    if (target === undefined)
      throw new LabError(
        'ERR_LAB_PACKAGE',
        `the package ${name} (${this.#architecture}) depends on no linux-image-*; apt-cache said:\n${tail(stdout)}`,
      );
    return target;
  }

  async #apt(program: string, args: readonly string[], what: string): Promise<CommandResult> {
    const result = await run(program, [...this.#options, ...args], {
      cwd: this.#directory,
      env: { ...process.env, LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive' },
    });
    if (result.missing) throw new LabError('ERR_LAB_HOST', `no ${program} here; ${HOW_TO_GET_APT}`);
    if (result.status === 0) return result;
    throw new LabError(
      'ERR_LAB_PACKAGE',
      `${program} ${args[0]} could not get ${what} (${this.#architecture}): exit code ${result.status}\n${tail(result.stderr || result.stdout)}`,
    );
  }
}

/** `bookworm`. */
async function codename(): Promise<string> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  const name = /^VERSION_CODENAME=(\w+)$/m.exec(text)?.[1];
  if (/^ID=debian$/m.test(text) && name !== undefined) return name;
  throw new LabError('ERR_LAB_HOST', `/etc/os-release tells of no Debian release; ${HOW_TO_GET_APT}`);
}

function backportsSource(suite: string): string {
  return [
    'Types: deb',
    'URIs: http://deb.debian.org/debian',
    `Suites: ${suite}`,
    'Components: main',
    'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg',
    '',
  ].join('\n');
}
