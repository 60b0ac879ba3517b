import type { Suite } from '../suite.ts';
import { increments, labelled } from './counters/increments.ts';
import { disabled } from './counters/disabled.ts';
import { records } from './counters/records.ts';
import { scraping } from './counters/scrape.ts';
import { scrapingWorkers } from './counters/scrape-workers.ts';
import { threads } from './counters/threads.ts';
import { beyondReads, timings } from './counters/timings.ts';
import { tracking, trackingByWorker } from './counters/tracking.ts';

/** Slots of one writer in shared memory against counters of one thread. */
export const suite: Suite = {
  name: 'counters',
  title: 'Counters, histograms and timers of perf-counters against prom-client, and memory-tracker',
  groups: [
    increments,
    labelled,
    records,
    timings,
    beyondReads,
    disabled,
    ...threads,
    tracking,
    trackingByWorker,
    scraping,
    scrapingWorkers,
  ],
};
