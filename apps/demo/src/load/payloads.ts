// What is sent: the examples of @octokit/webhooks-examples, or any directory of JSON files.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { UsageError } from '../errors.ts';
import { isIdentifier } from '../checks/identifier.ts';
import { JsonScanner } from '../checks/json-scanner.ts';
import { MAX_DEPTH } from '../gateway/options.ts';

export interface Payload {
  readonly event: string;
  readonly body: Buffer;
}

interface EventExamples {
  readonly name: string;
  readonly examples: readonly unknown[];
}

/** The 329 payloads that GitHub's webhooks are documented with. */
export function githubPayloads(): Payload[] {
  const events = createRequire(import.meta.url)('@octokit/webhooks-examples') as readonly EventExamples[];
  return events.flatMap(({ name, examples }) =>
    examples.map((example) => ({ event: name, body: Buffer.from(JSON.stringify(example)) })),
  );
}

/** A file beyond that is no webhook; the gateway would need a buffer of its size for each request. */
const MAX_FILE_BYTES = 4 << 20;

/**
 * Every `.json` file below a directory. The event is the folder's name where it lies in one, else the file's name up to the first dot:
 * `push/1.json` and `push.json` are both `push`.
 * @throws UsageError where there is none, or one that the gateway would refuse
 */
export function payloadsFrom(directory: string): Payload[] {
  let names: string[];
  try {
    names = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  } catch (cause) {
    throw new UsageError(`--payloads: cannot read ${directory}`, { cause });
  }
  const files = names.filter((name) => name.endsWith('.json')).toSorted();
  if (files.length === 0) throw new UsageError(`--payloads: no .json file in ${directory}`);
  return files.map((file) => {
    const body = readFileSync(join(directory, file));
    checkBody(join(directory, file), body);
    return { event: eventOf(file), body };
  });
}

function checkBody(file: string, body: Uint8Array): void {
  if (body.length > MAX_FILE_BYTES)
    throw new UsageError(`--payloads: ${file} has ${body.length} bytes, expected at most ${MAX_FILE_BYTES}`);
  const scanner = new JsonScanner(MAX_DEPTH);
  scanner.push(body);
  const end = scanner.end();
  if (end === 'malformed') throw new UsageError(`--payloads: ${file} is not JSON`);
  if (end === 'too deep') throw new UsageError(`--payloads: ${file} has more than ${MAX_DEPTH} levels`);
  if (scanner.repository !== undefined && !isIdentifier('repository', scanner.repository))
    throw new UsageError(
      `--payloads: ${file} has a repository.full_name that is no name: ${JSON.stringify(scanner.repository)}`,
    );
}

function eventOf(file: string): string {
  const folder = basename(join(file, '..'));
  const name = folder === '.' ? basename(file).split('.', 1)[0] : folder;
  const event = (name ?? '').toLowerCase().replaceAll(/[^a-z0-9_]+/g, '_');
  if (!isIdentifier('event', event)) throw new UsageError(`--payloads: ${file} gives no event name`);
  return event;
}
