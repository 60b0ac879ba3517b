// corelane-top: from a command line to an exit code.
import { once } from 'node:events';
import { connectSnapshots, listProcesses, type SnapshotClient } from '@corelane/perf-counters/socket';
import { parseTopArguments, USAGE, type TopArguments } from './arguments.ts';
import { uptime } from './figures.ts';
import { render, type Frame, type Size } from './frame.ts';
import { Screen } from './screen.ts';
import { soundSnapshot } from './sound-snapshot.ts';
import { asciiOnly, cutTo, fitted, harmless, hasUtf8 } from './text-width.ts';
import { initialView, press, withSilence, withSnapshot, type Key, type View } from './view.ts';

const FINE = 0;
const FAILED = 1;
const MISUSED = 2;
/** Between looks at how long ago the last figures came. */
const SILENCE_MS = 1000;
/** Of tables that go into a file or a pipe. */
const DEFAULT_COLUMNS = 120;

/** @returns the exit code */
export async function runTop(argv: readonly string[]): Promise<number> {
  const parsed = parseTopArguments(argv);
  if (parsed.kind === 'wrong') return complain(`${parsed.why}\n\n${USAGE.trimEnd()}`, MISUSED);
  if (parsed.kind === 'help') return await print(USAGE, FINE);
  const { run } = parsed;
  try {
    if (run.target === undefined) return await list(run.isJson);
    using client = await connectSnapshots(run.target);
    const { minIntervalMs } = client.hello;
    if (run.everyMs < minIntervalMs)
      return complain(
        `--interval is ${run.everyMs} ms, expected ${minIntervalMs} at least: the process allows no less`,
        MISUSED,
      );
    const { stdin, stdout } = process;
    // A terminal that calls itself dumb has one way to write: on.
    const hasScreen = stdin.isTTY && stdout.isTTY && process.env['TERM'] !== 'dumb';
    const isInteractive = hasScreen && run.count === Infinity && !run.isJson;
    return isInteractive ? await watch(client, run) : await printAll(client, run);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return FINE; // who read it has had enough
    return complain(explained(error), FAILED);
  }
}

const HOW =
  'serveSnapshots of @corelane/perf-counters/socket must run there, as this user; corelane-top without arguments lists who serves';

/** Of a connection that was not made: what would have to be there, and how to find who does. */
function explained(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, message } = error as NodeJS.ErrnoException;
  return code === 'ERR_SNAPSHOT_CONNECTION' ? `${message}\n(${HOW})` : message;
}

async function list(isJson: boolean): Promise<number> {
  const found = await listProcesses();
  if (isJson)
    return await print(
      found
        .map(({ pid, path, hello }) => `${JSON.stringify({ pid, path, hello: hello ?? null })}\n`)
        .join(''),
      FINE,
    );
  if (found.length === 0)
    return complain(
      'no process of this user serves its metrics at the default path, as serveSnapshots of @corelane/perf-counters/socket does',
      FAILED,
    );
  const rows = found.map(({ pid, hello, error }) =>
    hello === undefined
      ? processLine(String(pid), '–', '–', error?.message ?? 'does not answer')
      : processLine(String(pid), harmless(hello.node), uptime(Date.now() - hello.startedAtMs), hello.title),
  );
  return await print(`${[processLine('PID', 'NODE', 'UP', 'TITLE'), ...rows].join('\n')}\n`, FINE);
}

function processLine(pid: string, node: string, up: string, title: string): string {
  const cells = [fitted(pid, 8, 'right'), fitted(node, 10), fitted(up, 8, 'right'), harmless(title)];
  return cutTo(cells.join('  '), tableSize().columns);
}

/** One table after the other, or one line of JSON. */
async function printAll(client: SnapshotClient, run: TopArguments): Promise<number> {
  let view = viewOf(client, run);
  let printed = 0;
  for await (const snapshot of client.updates(run.everyMs)) {
    view = withSnapshot(view, soundSnapshot(snapshot));
    const text = run.isJson
      ? JSON.stringify(snapshot)
      : `${printed === 0 ? '' : '\n'}${render(view, tableSize(), false)
          .lines.map((line) => line.text.trimEnd())
          .join('\n')}`;
    await print(`${text}\n`, FINE);
    printed += 1;
    if (printed >= run.count) return FINE;
  }
  return await ending(client);
}

/** The whole screen, until a key ends it, or the process. */
async function watch(client: SnapshotClient, run: TopArguments): Promise<number> {
  let view = viewOf(client, run);
  let frame: Frame | undefined;
  let exitCode: number | undefined;
  const over = new AbortController();
  const quit = (code: number): void => {
    exitCode ??= code;
    over.abort();
  };
  const paint = (): void => {
    frame = render(view, screen.size, true);
    screen.paint(frame.lines);
  };
  const onKey = (key: Key): void => {
    const pressed = press(view, key, frame?.pageRows ?? 0, frame?.allRows ?? 0);
    switch (pressed.kind) {
      case 'quit':
        return quit(FINE);
      case 'suspend':
        return screen.suspend();
      case 'view':
        view = pressed.view;
        paint();
    }
  };
  using screen = new Screen(process.stdin, process.stdout, {
    onKey,
    onResize: () => paint(),
    onSignal: quit,
  });
  paint();
  let lastMs = performance.now();
  // A process that is stuck sends nothing, and figures that stand still look as if all were well.
  const silence = setInterval(() => {
    const before = view.silentMs;
    view = withSilence(view, performance.now() - lastMs);
    if (view.silentMs !== before) paint();
  }, SILENCE_MS);
  try {
    for await (const snapshot of client.updates(run.everyMs, { signal: over.signal })) {
      lastMs = performance.now();
      view = withSnapshot(view, soundSnapshot(snapshot));
      paint();
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    clearInterval(silence);
  }
  if (exitCode !== undefined) return exitCode;
  screen[Symbol.dispose](); // what follows is read on the screen that was there before
  return await ending(client);
}

async function ending(client: SnapshotClient): Promise<number> {
  const reason = await client.ended;
  if (reason === 'stopped') return complain(`process ${client.hello.pid} has stopped serving`, FINE);
  return complain(`process ${client.hello.pid} has ended, or has dropped this client`, FAILED);
}

function viewOf({ hello }: SnapshotClient, { everyMs, sort, filter, perWriter }: TopArguments): View {
  return initialView(hello, everyMs, { sort, filter, perWriter });
}

function tableSize(): Size {
  const columns = process.stdout.columns ?? Number(process.env['COLUMNS']);
  return { columns: columns >= 1 ? columns : DEFAULT_COLUMNS, rows: Infinity };
}

/** Waits for a reader that is slow. @throws the error of the stream */
async function print(text: string, exitCode: number): Promise<number> {
  const written = process.stdout.isTTY && !hasUtf8(process.env) ? text.replaceAll(/.+/g, asciiOnly) : text;
  if (!process.stdout.write(written)) await once(process.stdout, 'drain');
  return exitCode;
}

function complain(why: string, exitCode: number): number {
  process.stderr.write(`corelane-top: ${why}\n`);
  return exitCode;
}
