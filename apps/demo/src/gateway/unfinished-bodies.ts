// The bodies that one HTTP worker is reading. Each holds a buffer before anybody knows who sends it, since the signature covers the
// whole of it: so they may hold a share of the pool and no more. Where one more comes, the one that has been at it longest is cut.
// A sender whose body arrives with its headers, as good ones do, is never that one: whoever drips is.

/** One body that is being read. */
export interface BodyPlace {
  /** It has been cut: the reader ends, or does not begin. */
  isCut: boolean;
  /** Set by the reader: ends the reading. */
  onCut: (() => void) | undefined;
}

interface Occupied extends BodyPlace {
  readonly left: Promise<void>;
  readonly leave: () => void;
}

export class UnfinishedBodies {
  readonly #limit: number;
  /** In the order in which they began. */
  readonly #places = new Set<Occupied>();
  #isOver = false;

  /** @param limit how many at a time */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#places.size;
  }

  /** A place for one more; where there are as many as may be, it is that of the oldest, which has given its buffer back. */
  async enter(): Promise<BodyPlace> {
    while (this.#places.size >= this.#limit) {
      const [oldest] = this.#places;
      if (oldest === undefined) break;
      cut(oldest);
      await oldest.left;
    }
    return this.#take();
  }

  /** Cuts all that are being read, and whatever comes from now on. */
  end(): void {
    this.#isOver = true;
    for (const place of this.#places) cut(place);
  }

  /** To be called when the body is complete, or its buffer given back; a second time it does nothing. */
  leave(place: BodyPlace): void {
    const occupied = place as Occupied;
    if (this.#places.delete(occupied)) occupied.leave();
  }

  #take(): BodyPlace {
    const { promise, resolve } = Promise.withResolvers<void>();
    const place: Occupied = { isCut: this.#isOver, onCut: undefined, left: promise, leave: resolve };
    this.#places.add(place);
    return place;
  }
}

function cut(place: Occupied): void {
  place.isCut = true;
  place.onCut?.();
}
