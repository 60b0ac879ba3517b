// The threads of a group around one hot endpoint, shared by its cases: started by the first case that is set up, stopped by the last.
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import { Contenders } from '../../contention/contenders.ts';
import { entryUrl } from '../../entry-url.ts';
import type { BatchResult, Metric } from '../../suite.ts';
import { CLOCK_ONLY, type HotWork } from './hot-contender.ts';
import { HotEndpoint, type JsWay, type Way } from './hot-endpoint.ts';

/** A percentile is told with at least so many samples beyond it. */
const LEAST_BEYOND = 10;
const PERCENTILES = [50, 90, 99, 99.9, 99.99];

interface Running {
  readonly endpoint: HotEndpoint;
  readonly contenders: Contenders;
  readonly histograms: readonly RecordableHistogram[];
}

/** What the cases of a group do, and whether it is looked at how long each operation takes. */
type Plan =
  | { readonly ways: readonly Way[]; readonly latency: false }
  | { readonly ways: readonly JsWay[]; readonly latency: true };

export class HotThreads {
  readonly #threads: number;
  readonly #plan: Plan;
  readonly #control: Int32Array = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  #users = 0;
  #running: Promise<Running> | undefined;

  constructor(threads: number, plan: Plan) {
    this.#threads = threads;
    this.#plan = plan;
  }

  async setup(): Promise<void> {
    this.#users++;
    this.#running ??= this.#start();
    await this.#running;
  }

  /** @param way undefined: the clock alone */
  async run(way: Way | undefined, operations: number): Promise<BatchResult> {
    const { contenders, histograms } = await this.#get();
    for (const histogram of histograms) histogram.reset();
    const index = way === undefined ? CLOCK_ONLY : (this.#plan.ways as readonly Way[]).indexOf(way);
    Atomics.store(this.#control, 0, index); // publish: pairs with the load in the contenders
    const result = await contenders.run(operations);
    return this.#plan.latency
      ? { ...result, metrics: { ...result.metrics, ...percentiles(histograms) } }
      : result;
  }

  async check(way: Way, operations: number): Promise<string | undefined> {
    const { endpoint } = await this.#get();
    return endpoint.check(way, operations);
  }

  async teardown(): Promise<void> {
    if (--this.#users > 0) return;
    const running = this.#running;
    this.#running = undefined;
    await (await running)?.contenders.stop();
  }

  async #start(): Promise<Running> {
    const endpoint = HotEndpoint.create();
    const plan = this.#plan;
    const histograms: RecordableHistogram[] = [];
    const contenders = await Contenders.start({
      module: entryUrl('suites/state/hot-contender'),
      contenders: this.#threads,
      data: (): HotWork => {
        const base = { endpoint: endpoint.handle, control: this.#control };
        if (!plan.latency) return { ...base, ways: plan.ways };
        const histogram = createHistogram();
        histograms.push(histogram);
        return { ...base, ways: plan.ways, histogram };
      },
    });
    return { endpoint, contenders, histograms };
  }

  #get(): Promise<Running> {
    if (this.#running === undefined) throw new Error('used before setup or after teardown');
    return this.#running;
  }
}

function percentiles(histograms: readonly RecordableHistogram[]): Record<string, Metric> {
  const all = createHistogram();
  for (const histogram of histograms) if (histogram.count > 0) all.add(histogram);
  const told = PERCENTILES.filter((each) => all.count * (1 - each / 100) >= LEAST_BEYOND);
  return {
    ...Object.fromEntries(
      told.map((each): [string, Metric] => [`p${each}`, { value: all.percentile(each), unit: 'ns' }]),
    ),
    max: { value: all.max, unit: 'ns' },
    samples: { value: all.count, unit: '' },
  };
}
