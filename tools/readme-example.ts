// The first ```ts block of a package's README, run as a user would run it: in a process of its own, with the package imported by name.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
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
  // In a file of the package: an example may start threads that import it, and finds the package by its own name.
  const file = join(packageDir, `.readme-example-${process.pid}.ts`);
  writeFileSync(file, readmeExample(packageDir));
  try {
    const flags = ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'];
    const child = spawnSync(process.execPath, [...flags, file], { cwd: packageDir, encoding: 'utf8' });
    const { status, stdout, stderr } = child;
    if (status !== 0 || stderr !== '')
      throw new Error(`the example of ${packageDir} exited with ${status}\n${stdout}${stderr}`);
    return stdout;
  } finally {
    rmSync(file);
  }
}
