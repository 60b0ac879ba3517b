// One task for every element of a list. Many small ones share a slot, so that what dispatch costs is divided among them.
import { ArgumentRangeError } from '@corelane/shared-memory';
import type { Client } from './client.ts';
import { checkObject, type RunOptions } from './options.ts';
import type { AnyTask } from './tasks.ts';
import { isSource } from './payload-kind.ts';
import { TaskList } from './task-list.ts';
import { isMoved } from './transfer.ts';

/** What is moved could go with one of them alone. */
export interface RunManyOptions extends Omit<RunOptions, 'transferList'> {
  /**
   * Tasks that one worker runs one after the other, in one slot. By default 1, but for numbers as many as lie in a slot (28 with the usual `inlineBytes`), and no more than leave each worker
   * four shares of the list. What the other options say holds for each such share: a `timeoutMs` is the time of all its tasks, a lost worker loses all of them.
   */
  readonly chunk?: number;
}

/** Shares on their way at once, for each worker: so many that no worker waits for the next one, and a failure leaves little behind. Guessed. */
const SHARES_PER_WORKER = 32;
/** Shares of a list for each worker at least: what is left when one worker is late is small. */
const LEAST_SHARES = 4;
const NUMBER_BYTES = 8;
const MAX_CHUNK = 2 ** 20;

/** @throws ArgumentRangeError */
export function runMany(
  client: Client,
  task: AnyTask,
  list: readonly unknown[],
  runOptions: RunManyOptions,
): Promise<unknown[]> {
  checkObject('options', runOptions);
  const { chunk, ...options } = runOptions;
  if (!Array.isArray(list)) throw new ArgumentRangeError('list', list, 'an array');
  if (chunk !== undefined && chunk > 1 && list.some(goesAlone))
    throw new ArgumentRangeError('chunk', chunk, '1, where elements are moved or leases');
  const { common: threads, inlineBytes } = client.limits;
  const size = chunkOf(chunk, list, threads, Math.floor(inlineBytes / NUMBER_BYTES));
  const most = SHARES_PER_WORKER * threads;
  const graceMs = client.graceOf(options.graceMs);
  return new Promise((resolve, reject) => {
    const results: unknown[] = list.slice(); // as long; each is replaced
    let next = 0;
    let underWay = 0;
    let hasFailed = false;
    const fail = (error: unknown): void => {
      if (hasFailed) return;
      hasFailed = true;
      next = list.length; // what has not been submitted never is
      reject(error);
      client.takeBack(fail, graceMs); // it is the end of all shares, and of nothing else
    };
    const submit = (): void => {
      while (next < list.length && underWay < most) {
        const from = next;
        next = Math.min(list.length, from + size);
        underWay++;
        if (size === 1) client.submit(task, list[from], (value) => settle(from, [value]), fail, options);
        else
          client.submit(
            task,
            new TaskList(list.slice(from, next)),
            (values) => settle(from, values as unknown[]),
            fail,
            options,
          );
      }
    };
    const settle = (from: number, values: readonly unknown[]): void => {
      for (let i = 0; i < values.length; i++) results[from + i] = values[i];
      underWay--;
      submit();
      if (underWay === 0) resolve(results);
    };
    submit();
    if (list.length === 0) resolve(results);
  });
}

function chunkOf(
  given: number | undefined,
  list: readonly unknown[],
  threads: number,
  numbersInSlot: number,
): number {
  if (given !== undefined) {
    if (Number.isInteger(given) && given >= 1 && given <= MAX_CHUNK) return given;
    throw new ArgumentRangeError('chunk', given, `an integer from 1 to ${MAX_CHUNK}`);
  }
  if (!list.every((each) => typeof each === 'number')) return 1;
  return Math.max(1, Math.min(numbersInSlot, Math.ceil(list.length / (LEAST_SHARES * threads))));
}

/** Of a list in one slot it would be taken for plain data. */
function goesAlone(element: unknown): boolean {
  return isMoved(element) || (typeof element === 'object' && element !== null && isSource(element));
}
