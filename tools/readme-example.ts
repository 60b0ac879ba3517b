// The first ```ts block of a package's README, run as a user would run it: in a process of its own, with the package imported by name.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Its source. @throws where there is none */
export function readmeExample(packageDir: string): string {
  const source = /^```ts\n(.*?)^```/ms.exec(readFileSync(join(packageDir, 'README.md'), 'utf8'))?.[1];
  if (source === undefined) throw new Error(`${packageDir}/README.md has no block of ts`);
  return source;
}

/**
 * What the example says it prints: the comments behind its calls of `console.log`, in their order.
 * @throws where there is no example, or where it says nothing
 */
export function claimedOutput(packageDir: string): string {
  const claims = [...readmeExample(packageDir).matchAll(/\bconsole\.log\(.*\); \/\/ (.*)$/gm)];
  if (claims.length === 0) throw new Error(`the example of ${packageDir} does not say what it prints`);
  return claims.map(([, claim]) => `${claim}\n`).join('');
}

/**
 * @param packageDir the folder of the package
 * @returns what the example printed
 * @throws where there is no example, or where it fails
 */
export function runReadmeExample(packageDir: string): string {
  const source = readmeExample(packageDir);
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      '--conditions=@corelane/source',
      '--input-type=module-typescript',
      '--disable-warning=ExperimentalWarning',
      '-e',
      source,
    ],
    { cwd: packageDir, encoding: 'utf8' },
  );
  if (status !== 0 || stderr !== '')
    throw new Error(`the example of ${packageDir} exited with ${status}\n${stdout}${stderr}`);
  return stdout;
}
