// Places of clients in a scheduler: taken by a thread that attaches, given up when it detaches or is found gone.
import { threadId } from 'node:worker_threads';
import { ArgumentRangeError, LINE_BYTES } from '@corelane/shared-memory';
import { ClientsExhaustedError } from './errors.ts';
import {
  CLIENT_RECLAIMED,
  CLIENT_SETTLING,
  CLIENT_VACANT,
  clientEntry,
  DISOWNED,
  LIST_EMPTY,
  SLOT_ORPHANED,
  WITHDRAWN,
} from './layout.ts';
import type { GracePeriods } from './grace.ts';
import { clientIn, generationIn, stateIn, type SchedulerTable } from './table.ts';

/** What became of the slots of a client that is gone. */
export interface ReclaimedClient {
  /** Tasks that were queued and will never run. */
  readonly withdrawn: number;
  /** Tasks that were running; they are told, and their results are dropped. */
  readonly disowned: number;
  /** Finished tasks that it had not collected. */
  readonly dropped: number;
}

/** The party of a slot that a reclaim has disowned. */
const NOBODY = 0;

const { owner, visit, finished } = clientEntry.word;

/** Takes a place for this thread. @returns the client's party. @throws ClientsExhaustedError */
export function takePlace(table: SchedulerTable): number {
  const { i32, maxClients } = table;
  for (const state of [CLIENT_VACANT, CLIENT_RECLAIMED])
    for (let client = 1; client <= maxClients; client++) {
      const word = table.clientWord(client);
      // claim: against another thread that attaches.
      if (Atomics.compareExchange(i32, word + owner, state, threadId + 1) !== state) continue;
      if (state === CLIENT_VACANT || vacate(table, client)) {
        Atomics.add(i32, word + visit, 1); // pairs with the loads of worker-link: its line to the client before is of no use
        return client;
      }
      Atomics.store(i32, word + owner, CLIENT_RECLAIMED); // a worker has yet to finish a slot of the client before
    }
  throw new ClientsExhaustedError(maxClients);
}

/** What distinguishes the client that has a place from all others of all schedulers of the process. */
export function addressOf(table: SchedulerTable, client: number): string {
  const head = table.buffer.toString('hex', 0, LINE_BYTES); // of the arena: it has a random number in it
  return `${head}:${table.at}:${client}:${visitOf(table, client)}`;
}

/** Tells the client that has a place from those that had it before. */
export function visitOf(table: SchedulerTable, client: number): number {
  return Atomics.load(table.i32, table.clientWord(client) + visit); // pairs with the `add` in takePlace
}

/** Id of the thread that has a place, or -1. */
export function threadOf(table: SchedulerTable, client: number): number {
  return Math.max(-1, Atomics.load(table.i32, table.clientWord(client) + owner) - 1);
}

/**
 * Cleans up after a client whose thread has ended, or that has given up all its slots. Harmless where nobody has the place.
 * @param grace of tasks that run on, those included that the client had disowned: its own timers are gone with it
 */
export function reclaimPlace(
  table: SchedulerTable,
  client: number,
  grace?: { readonly periods: GracePeriods; readonly ms: number },
): ReclaimedClient {
  if (!Number.isInteger(client) || client < 1 || client > table.maxClients)
    throw new ArgumentRangeError('client', client - 1, `an integer from 0 to ${table.maxClients - 1}`);
  const counts = { withdrawn: 0, disowned: 0, dropped: 0 };
  const word = table.clientWord(client) + owner;
  const was = Atomics.load(table.i32, word);
  // claim: against another thread that reclaims it. acquireSlot and submitSlot see it, too.
  if (was <= 0 || Atomics.compareExchange(table.i32, word, was, CLIENT_RECLAIMED) !== was) return counts;
  counts.dropped = table.kernel.countFinished(table.at, table.kernel.closeList(table.at, client));
  for (let slot = 0; slot < table.slots; slot++) {
    const seen = table.stateOf(slot); // its generation changes only where the client submits
    const outcome = table.kernel.reclaimSlot(table.at, slot, client);
    if (outcome === WITHDRAWN) counts.withdrawn++;
    else if (outcome === DISOWNED) {
      counts.disowned++;
      grace?.periods.begin(slot, generationIn(seen), grace.ms, NOBODY);
    } else if (stateIn(seen) === SLOT_ORPHANED && clientIn(seen) === client)
      grace?.periods.begin(slot, generationIn(seen), grace.ms, client);
  }
  return counts;
}

/**
 * Gives up the place of a client of this thread. A place that was taken from a client is used again only where no other is left: should
 * its thread be alive after all, it finds its list closed.
 */
export function leavePlace(table: SchedulerTable, client: number): void {
  reclaimPlace(table, client);
  const word = table.clientWord(client) + owner;
  // claim: against a thread that attaches and takes the place over.
  if (Atomics.compareExchange(table.i32, word, CLIENT_RECLAIMED, CLIENT_SETTLING) !== CLIENT_RECLAIMED)
    return;
  Atomics.store(table.i32, word, vacate(table, client) ? CLIENT_VACANT : CLIENT_RECLAIMED);
}

/** Makes a reclaimed place usable, which this thread has claimed. @returns false while a slot names its client */
function vacate(table: SchedulerTable, client: number): boolean {
  if (table.kernel.slotsOf(table.at, client) > 0) return false;
  Atomics.store(table.i32, table.clientWord(client) + finished, LIST_EMPTY);
  return true;
}
