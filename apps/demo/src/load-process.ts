// The load as a process of its own, so that its CPU time is not the gateway's. Options come as the first message; it answers with
// progress twice a second, and with the result at the end. `{ stop: true }` ends it early, with what is out drained.
import { Load, type LoadOptions, type LoadResult } from './load/run.ts';

export type LoadCommand = { readonly start: LoadOptions } | { readonly stop: true };

export type LoadMessage =
  /** The first request is about to go out: time on the machine's monotonic clock. */
  | { readonly beganMs: number }
  | { readonly progress: { readonly sent: number; readonly answered: number } }
  | { readonly result: LoadResult }
  | { readonly failure: string };

const PROGRESS_MS = 500;

const say = (message: LoadMessage): void => void process.send?.(message);

let load: Load | undefined;

process.on('message', (command: LoadCommand) => {
  if ('stop' in command) load?.stop();
  else void run(command.start);
});

async function run(options: LoadOptions): Promise<void> {
  load = new Load({ ...options, onBegin: (beganMs) => say({ beganMs }) });
  const ticker = setInterval(() => {
    if (load) say({ progress: load.progress() });
  }, PROGRESS_MS);
  try {
    say({ result: await load.run() });
  } catch (error) {
    say({ failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  } finally {
    clearInterval(ticker);
  }
}

// Ctrl-C reaches every process of the terminal; the parent says when to stop, and this one goes when it does.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
