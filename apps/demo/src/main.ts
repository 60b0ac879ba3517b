// npm run demo
import { runCli } from './cli/run.ts';

const interrupt = new AbortController();

function onSignal(): void {
  // The second time the user means it.
  if (interrupt.signal.aborted) process.exit(1);
  interrupt.abort();
}

async function main(): Promise<void> {
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  const { stdout, stderr } = process;
  process.exitCode = await runCli(process.argv.slice(2), { stdout, stderr, interrupt: interrupt.signal });
  process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
}

void main();
