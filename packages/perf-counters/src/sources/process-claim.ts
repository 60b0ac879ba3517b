// The claim on the figures of the process, of one collection of sources. PROTOCOL.md, 5.
import { Arena } from '@corelane/shared-memory';
import { kernelBase64, type KernelExports } from '../kernel.generated.ts';
import type { Registry } from '../registry.ts';
import { openRegistry } from '../open-registry.ts';
import { writerState, type WriterTable } from '../writer.ts';

export class ProcessClaim {
  readonly #kernel: KernelExports;
  readonly #table: WriterTable;
  readonly #writer: number;
  /** 0 where it is not held. */
  #claim = 0;

  constructor(registry: Registry) {
    const arena = Arena.attach(registry.handle.arena);
    this.#kernel = arena.kernel<KernelExports>({ base64: kernelBase64 });
    this.#table = openRegistry(registry.handle, arena).table;
    this.#writer = registry.writer;
  }

  get isHeld(): boolean {
    return this.#claim !== 0;
  }

  /** Takes it where nobody has it. */
  take(): boolean {
    if (this.#claim === 0) this.#claim = this.#kernel.claimProcess(this.#table.at, this.#writer);
    return this.isHeld;
  }

  /** Who has it, undefined where nobody does. */
  holder(): { writer: number; threadId: number } | undefined {
    const writer = this.#kernel.processHolder(this.#table.at);
    return writer < 0 ? undefined : { writer, threadId: writerState(this.#table, writer).threadId };
  }

  release(): void {
    if (this.#claim === 0) return;
    this.#kernel.releaseProcess(this.#table.at, this.#claim);
    this.#claim = 0;
  }
}
