/** What a test in the machine is. */
export interface LabTest {
  readonly name: string;
  /** What it asks of the machine, in one line. */
  readonly asked: string;
  /** What the kernel said afterwards, in one line. @throws Mismatch where that is not what must be. */
  readonly run: () => string | Promise<string>;
}

export interface Suite {
  readonly name: string;
  readonly tests: readonly LabTest[];
}

/** What was read back is not what must be; the message says both. */
export class Mismatch extends Error {
  override readonly name = 'Mismatch';
}

/** Compares by JSON. @throws Mismatch */
export function expectEqual(what: string, found: unknown, expected: unknown): void {
  const [f, e] = [JSON.stringify(found), JSON.stringify(expected)];
  if (f !== e) throw new Mismatch(`${what}: ${f}, expected ${e}`);
}

/** @throws Mismatch unless `holds`. */
export function expectThat(what: string, holds: boolean): asserts holds {
  if (!holds) throw new Mismatch(what);
}
