// The port through which `enqueueInspected` finds out what a payload inflates to. `CompressionGuard` satisfies it.

export interface InspectOptions {
  /** What the sender says that it is, as in `Content-Encoding`; without it, the first bytes decide. */
  readonly encoding?: string;
  readonly signal?: AbortSignal;
}

export interface PayloadInspection {
  /** 'plain', 'passed', 'ratio too high', 'too many bytes', 'too slow'; anything else: it could not be read to its end. */
  readonly outcome: string;
  /** Bytes out by bytes in, as far as it came. */
  readonly ratio: number;
}

export interface PayloadInspector {
  inspect(bytes: Uint8Array, options?: InspectOptions): Promise<PayloadInspection>;
}

const BOMBS: ReadonlySet<string> = new Set(['ratio too high', 'too many bytes', 'too slow']);

/** What to do with a payload: bring it in as it is, bring it in and note its ratio, or refuse it. */
export async function inspectPayload(
  inspector: PayloadInspector,
  bytes: Uint8Array,
  options: InspectOptions,
): Promise<{ readonly outcome: 'plain' | 'passed' | 'bomb' | 'unreadable'; readonly ratio: number }> {
  const { outcome, ratio } = await inspector.inspect(bytes, options);
  if (outcome === 'plain' || outcome === 'passed') return { outcome, ratio };
  return { outcome: BOMBS.has(outcome) ? 'bomb' : 'unreadable', ratio };
}
