// One stream of points: a series, of all writers together or of one, and what was reported of it.
import type { DataPoint } from '@opentelemetry/sdk-metrics';
import type { Series } from '../catalog.ts';
import type { Definition } from '../definition.ts';
import { ArgumentRangeError } from '../errors.ts';
import { labelsOf, type SeriesReader } from '../series-reader.ts';
import type { HistogramFigures } from './figures.ts';

/** In steps, and until when, in milliseconds since 1970. */
export interface Reported {
  readonly endMs: number;
  readonly count: number;
  readonly histogram: HistogramFigures | undefined;
}

export interface Stream {
  readonly definition: Definition;
  readonly series: Series;
  /** Undefined for all of them. */
  readonly writer: number | undefined;
  readonly attributes: DataPoint<number>['attributes'];
  reported: Reported | undefined;
}

const ALL = -1;

export class Streams {
  readonly #reader: SeriesReader;
  readonly #writerAttribute: string | undefined;
  readonly #streams = new WeakMap<Series, Map<number, Stream>>();

  /** @param writerAttribute has the index of the writer where each has streams of its own */
  constructor(reader: SeriesReader, writerAttribute: string | undefined) {
    this.#reader = reader;
    this.#writerAttribute = writerAttribute;
  }

  /**
   * Those of a series, each the same at every collection; none where no writer has recorded in it.
   * @throws ArgumentRangeError where a label has the name of the attribute of writers
   */
  of(definition: Definition, series: Series): Stream[] {
    const attribute = this.#writerAttribute;
    if (attribute === undefined)
      return this.#reader.slots(series) === 0 ? [] : [this.#stream(definition, series, undefined)];
    if (definition.labels.includes(attribute))
      throw new ArgumentRangeError(
        'perWriter',
        attribute,
        `a label that ${definition.name} does not have itself`,
      );
    return this.#reader.writersOf(series).map((writer) => this.#stream(definition, series, writer));
  }

  #stream(definition: Definition, series: Series, writer: number | undefined): Stream {
    let ofSeries = this.#streams.get(series);
    if (ofSeries === undefined) this.#streams.set(series, (ofSeries = new Map()));
    let stream = ofSeries.get(writer ?? ALL);
    if (stream === undefined) {
      const labels = labelsOf(definition, series);
      const attributes =
        writer === undefined ? labels : { ...labels, [this.#writerAttribute as string]: writer };
      stream = { definition, series, writer, attributes, reported: undefined };
      ofSeries.set(writer ?? ALL, stream);
    }
    return stream;
  }
}
