// The command: arguments in, a table or one JSON document on stdout, progress on stderr, an exit code.
import { listSuites, runBench } from './bench.ts';
import { HELP, parseOptions } from './cli.ts';
import { UsageError } from './errors.ts';
import { renderDocument } from './table.ts';

/** One line that rewrites itself on a terminal; nothing elsewhere, for a log wants no progress bar. */
function progress(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\u001b[K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  if (options.list) {
    console.log(await listSuites(options.from));
    return 0;
  }
  const document = await runBench(options, progress);
  progress('');
  console.log(options.json ? JSON.stringify(document, null, 2) : renderDocument(document));
  return document.verdict.exitCode;
}

async function exitCode(): Promise<number> {
  try {
    return await main();
  } catch (error) {
    const usage = error instanceof UsageError;
    console.error(usage ? `${error.message}\n\n${HELP}` : error);
    return usage ? 2 : 1;
  }
}

async function run(): Promise<void> {
  process.exitCode = await exitCode();
}

void run();
