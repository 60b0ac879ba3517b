// A program in a real pseudo-terminal, of util-linux's script(1), and what that terminal shows, by a real terminal's own reading of it.
import { spawn, type ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import xterm from '@xterm/headless';

export const COLUMNS = 80;
export const ROWS = 14;

export class TestTerminal {
  readonly exitCode: Promise<number | null>;
  readonly #child: ChildProcess;
  readonly #terminal = new xterm.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  readonly #waiting = new Set<() => void>();
  #output = '';
  #hasEnded = false;

  /** @param command of sh */
  constructor(command: string, env: NodeJS.ProcessEnv = process.env) {
    const shell = `stty cols ${COLUMNS} rows ${ROWS}; tty; echo pid=$$; exec ${command}`;
    this.#child = spawn('script', ['-qfec', shell, '/dev/null'], { env: { ...env, TERM: 'xterm-256color' } });
    this.#child.stdout?.on('data', (data: Buffer) => {
      this.#output += data.toString('utf8');
      this.#terminal.write(data, () => this.#look());
    });
    this.exitCode = new Promise((resolve) =>
      this.#child.once('close', (code) => {
        this.#hasEnded = true;
        // What was written before is on the screen after an empty write.
        this.#terminal.write('', () => {
          this.#look();
          resolve(code);
        });
      }),
    );
  }

  /** All that was written to the terminal. */
  get output(): string {
    return this.#output;
  }

  /** The lines of the screen that is shown: the other one while a program has it. */
  get screen(): string[] {
    const { active } = this.#terminal.buffer;
    const rows = Array.from({ length: this.#terminal.rows }, (_, row) =>
      active.getLine(active.viewportY + row),
    );
    return rows.map((line) => line?.translateToString(true, 0, this.#terminal.cols) ?? '');
  }

  get isOnOtherScreen(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  get pid(): number {
    return Number(/pid=(\d+)/.exec(this.#output)?.[1]);
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** As a window that is made smaller or larger: the program gets SIGWINCH. */
  resize(columns: number, rows: number): void {
    this.#terminal.resize(columns, rows);
    const device = /\/dev\/\S+/.exec(this.#output)?.[0] as string;
    execFileSync('stty', ['-F', device, 'cols', String(columns), 'rows', String(rows)]);
  }

  /** Settled when the screen shows something. @throws with the screen where the program ends before, or in 20 s */
  shows(what: (screen: string) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (isLate = false): void => {
        const screen = this.screen.join('\n');
        if (what(screen)) resolve();
        else if (this.#hasEnded || isLate)
          reject(
            new Error(
              `the program ${isLate ? 'shows something else' : 'has ended'}: ${what.toString()}\n${screen}`,
            ),
          );
        else return;
        clearTimeout(timer);
        this.#waiting.delete(look);
      };
      const timer = setTimeout(look, 20_000, true);
      this.#waiting.add(look);
      look();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL'); // script(1) would wait for its program
    await this.exitCode;
  }

  #look(): void {
    for (const look of this.#waiting) look();
  }
}
