// Tells the operator of defects, once for each kind of it.

const MAX_REPORTED = 100;

export class Reporter {
  readonly #reported = new Set<string>();

  report(error: unknown): void {
    const message = String(error);
    if (this.#reported.has(message) || this.#reported.size >= MAX_REPORTED) return;
    this.#reported.add(message);
    process.emitWarning(error instanceof Error ? error : message);
  }
}
