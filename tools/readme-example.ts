// The examples of a package's README, and of the pages in its folder docs, run as a user would run them: each in a process of its own, with the
// package imported by name. An example is a ```ts block that begins with an import; the first one of the README is the package's.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The source of the first example. @throws where there is none */
export function readmeExample(packageDir: string): string {
  return readmeExamples(packageDir)[0] as string;
}

/** The pages of a package beside its README: 'docs/socket.md'. */
export function pagesOf(packageDir: string): string[] {
  return readdirSync(join(packageDir, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`)
    .toSorted();
}

/** The sources of all examples of a page. @throws where there is none */
export function readmeExamples(packageDir: string, page = 'README.md'): string[] {
  const text = readFileSync(join(packageDir, page), 'utf8');
  const sources = [...text.matchAll(/^```ts\n(import .*?)^```/gms)].map(([, source]) => source as string);
  if (sources.length === 0)
    throw new Error(`${packageDir}/${page} has no block of ts that begins with an import`);
  return sources;
}

/**
 * What the examples say that they print: the comments behind their calls of `console.log`, in their order.
 * @throws where there is no example, or where one says nothing
 */
export function claimedOutput(packageDir: string, page?: string): string {
  const claims = readmeExamples(packageDir, page).flatMap((source) => {
    const found = [...source.matchAll(/\bconsole\.log\(.*\); \/\/ (.*)$/gm)];
    if (found.length === 0)
      throw new Error(`an example of ${packageDir}/${page ?? ''} does not say what it prints`);
    return found;
  });
  return claims.map(([, claim]) => `${claim}\n`).join('');
}

/**
 * @param packageDir the folder of the package
 * @param page README.md by default
 * @returns what the examples printed
 * @throws where there is no example, or where one fails
 */
export function runReadmeExample(packageDir: string, page?: string): string {
  return readmeExamples(packageDir, page)
    .map((source) => run(packageDir, source))
    .join('');
}

function run(packageDir: string, source: string): string {
  // In a file of the package: an example may start threads that import it, and finds the package by its own name.
  const file = join(packageDir, `.readme-example-${process.pid}.ts`);
  writeFileSync(file, source);
  try {
    const flags = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
    const child = spawnSync(process.execPath, [...flags, file], { cwd: packageDir, encoding: 'utf8' });
    const { status, stdout, stderr } = child;
    if (status !== 0 || stderr !== '')
      throw new Error(`an example of ${packageDir} exited with ${status}\n${stdout}${stderr}`);
    return stdout;
  } finally {
    rmSync(file);
  }
}
