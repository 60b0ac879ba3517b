/** The program of a probe's process: becomes the user that it is told, runs the probe, writes its answer as JSON. */
import { probes } from './probes.ts';

const [name = '', input = '[]', userId = '0'] = process.argv.slice(2);
const probe = Object.entries(probes).find(([each]) => each === name)?.[1] as
  | ((...input: unknown[]) => unknown)
  | undefined;
if (probe === undefined) throw new Error(`no probe ${name}; there are: ${Object.keys(probes).join(', ')}`);
if (Number(userId) !== 0) {
  process.setgroups?.([]);
  process.setgid?.(Number(userId));
  process.setuid?.(Number(userId));
}
process.stdout.write(JSON.stringify((await probe(...(JSON.parse(input) as unknown[]))) ?? null));
