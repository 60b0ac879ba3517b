// How far the run is: one line that renews itself on a terminal, a line now and then elsewhere.

export interface ProgressFigures {
  readonly elapsedMs: number;
  readonly durationMs: number;
  readonly answered: number;
  readonly accepted: number;
  readonly refused: number;
  readonly openBreakers: number;
  readonly endpoints: number;
  readonly buffersOut: number;
  readonly upstreamDead: boolean;
}

/** Where it is shown: a terminal, or anything that takes lines. */
export interface ProgressOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** Between plain lines. */
const PLAIN_EVERY_MS = 2000;
const BAR_CELLS = 20;

export class Progress {
  readonly #out: ProgressOutput;
  #lastAnswered = 0;
  #lastMs = 0;
  #plainMs = -Infinity;
  #drawn = false;

  constructor(out: ProgressOutput) {
    this.#out = out;
  }

  show(figures: ProgressFigures): void {
    const perSecond = Math.max(
      0,
      ((figures.answered - this.#lastAnswered) * 1000) / Math.max(1, figures.elapsedMs - this.#lastMs),
    );
    if (this.#out.isTTY === true) {
      const line = `${bar(figures)} ${text(figures, perSecond)}`;
      this.#out.write(`\r${line.slice(0, (this.#out.columns ?? 120) - 1)}\u001b[K`);
      this.#drawn = true;
    } else {
      if (figures.elapsedMs - this.#plainMs < PLAIN_EVERY_MS) return;
      this.#plainMs = figures.elapsedMs;
      this.#out.write(`${text(figures, perSecond)}\n`);
    }
    this.#lastAnswered = figures.answered;
    this.#lastMs = figures.elapsedMs;
  }

  end(): void {
    if (this.#drawn) this.#out.write('\r\u001b[K');
    this.#drawn = false;
  }
}

function count(n: number): string {
  return Math.round(n).toLocaleString('en-US');
}

function bar({ elapsedMs, durationMs }: ProgressFigures): string {
  const full = Math.min(BAR_CELLS, Math.round((BAR_CELLS * elapsedMs) / durationMs));
  return `${'█'.repeat(full)}${'░'.repeat(BAR_CELLS - full)}`;
}

function text(f: ProgressFigures, perSecond: number): string {
  return (
    `${(f.elapsedMs / 1000).toFixed(1).padStart(4)} s  ${count(perSecond)}/s  accepted ${count(f.accepted)}  refused ${count(f.refused)}  ` +
    `breakers open ${f.openBreakers}/${f.endpoints}  buffers out ${f.buffersOut}  upstream ${f.upstreamDead ? 'DEAD' : 'up'}`
  );
}
