// Sleeping workers and a poster, in the manner of rayon-core's sleep protocol, for the tests of the search.
// Words at `at`: jobs, sleepers, sequence.
import { add, compareExchange, load, notify, sub, wait } from './atomics.ts';

function take(at: i32): i32 {
  while (true) {
    const jobs = load(at);
    if (jobs == 0) return 0;
    if (compareExchange(at, jobs, (jobs - 1) | 0) == jobs) return 1;
  }
}

export function post(at: i32): void {
  add(at, 1);
  if (load(at + 4) > 0) {
    add(at + 8, 1);
    notify(at + 8, -1);
  }
}

/** Takes one job, sleeping until there is one. */
export function work(at: i32, timeoutUs: i32): i32 {
  while (true) {
    if (take(at) != 0) return 1;
    const sequence = load(at + 8);
    add(at + 4, 1);
    if (load(at) == 0) wait(at + 8, sequence, timeoutUs);
    sub(at + 4, 1);
  }
}
