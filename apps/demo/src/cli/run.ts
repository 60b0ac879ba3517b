// From the command line to the exit code.
import { Demo } from '../demo.ts';
import { DemoError, UsageError } from '../errors.ts';
import type { ProgressOutput } from './progress.ts';
import { reportText } from '../report/text.ts';
import { HELP, parseFlags, type Flags } from './flags.ts';

export type ExitCode = 0 | 1 | 2;

export interface Terminal {
  readonly stdout: ProgressOutput;
  readonly stderr: ProgressOutput;
  /** Aborted by the first Ctrl-C. */
  readonly interrupt: AbortSignal;
}

export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  let flags: Flags;
  try {
    flags = parseFlags(args);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    terminal.stderr.write(`${error.message}\n\n${HELP}`);
    return 2;
  }
  if (flags.help) {
    terminal.stdout.write(HELP);
    return 0;
  }
  try {
    return await runDemo(flags, terminal);
  } catch (error) {
    if (!(error instanceof DemoError)) throw error;
    terminal.stderr.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** Until the user has had enough, or the gateway cannot go on: then it rejects with why. */
export async function stayUp(failure: Promise<never>, interrupt: AbortSignal): Promise<void> {
  if (interrupt.aborted) return;
  const enough = new Promise<void>((resolve) => {
    interrupt.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([enough, failure]);
}

async function runDemo(flags: Flags, terminal: Terminal): Promise<ExitCode> {
  const { stdout, stderr, interrupt } = terminal;
  const demo = await Demo.start(flags, { progress: stderr, interrupt });
  try {
    const { url, listeners } = demo.gateway;
    stderr.write(
      `gateway on ${url}, ${listeners.workers} HTTP workers${listeners.reusePort ? ' on one port' : `: ${listeners.reason}`}\n`,
    );
    const report = await demo.run();
    stdout.write(
      flags.json
        ? `${JSON.stringify(report, null, 2)}\n`
        : `\n${reportText(report, { rich: stdout.isTTY === true })}`,
    );
    if (flags.keep) {
      stderr.write(`the gateway stays up on ${url} until Ctrl-C: ${url}/metrics ${url}/state\n`);
      await stayUp(demo.gateway.failure, interrupt);
    }
    return report.balanced ? 0 : 1;
  } finally {
    await demo[Symbol.asyncDispose]();
  }
}
