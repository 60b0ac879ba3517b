/** The vectors of a batch: which regions and ranges each of its vectored operations has, in a memory that the addon reads. Allocates nothing on the way. */
import { IoArgumentError } from './errors.ts';
import { VECTOR, VECTOR_WORDS } from './layout.ts';
import { checkMemory, type Regions } from './regions.ts';

export class BatchVectors {
  readonly #capacity: number;
  readonly #regions: Regions | null;
  #words: Int32Array | null = null;
  /** The memory of the table as a region. */
  region = 0;
  #used = 0;

  /** @param capacity vectors of one run at most. `regions`: `null` where there is no ring, and only the limit counts */
  constructor(capacity: number, regions: Regions | null) {
    this.#capacity = capacity;
    this.#regions = regions;
  }

  /** Takes views in. Where they begin in the table, in bytes. @throws IoArgumentError, IoMemoryError */
  put(views: readonly Uint8Array[]): number {
    if (this.#used + views.length > this.#capacity)
      throw new IoArgumentError(
        'views',
        this.#used + views.length,
        `at most ${this.#capacity} in one run (\`vectors\`)`,
      );
    for (let index = 0; index < views.length; index++) checkMemory(views[index], `views[${index}]`);
    const first = this.#used;
    if (this.#regions !== null) {
      this.#words ??= this.#makeTable(this.#regions);
      for (let index = 0; index < views.length; index++)
        this.#putOne(this.#words, (first + index) * VECTOR_WORDS, views[index] as Uint8Array, this.#regions);
    }
    this.#used += views.length;
    return first * VECTOR_WORDS * 4;
  }

  clear(): void {
    this.#used = 0;
  }

  #makeTable(regions: Regions): Int32Array {
    const bytes = new Uint8Array(new SharedArrayBuffer(this.#capacity * VECTOR_WORDS * 4));
    this.region = regions.of(bytes).index;
    return new Int32Array(bytes.buffer);
  }

  #putOne(words: Int32Array, at: number, view: Uint8Array, regions: Regions): void {
    words[at + VECTOR.region] = regions.of(view).index;
    words[at + VECTOR.offset] = view.byteOffset;
    words[at + VECTOR.length] = view.byteLength;
  }
}
