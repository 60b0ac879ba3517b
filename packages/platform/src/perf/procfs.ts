/** The tier below perf events: differences, since opening, of what the kernel keeps anyway. */
import { accountsOf, SLOT, SLOTS, type Account } from './accounts.ts';
import type { PerfEventInfo, PerfEventName } from './event-table.ts';
import type { PerfMachine } from './machine.ts';
import type { PerfColumns, PerfSource, PerfSourceOpened, PerfTarget } from './source.ts';

/** Which slots make an event, added up. */
const SLOTS_OF: Readonly<Partial<Record<PerfEventName, readonly number[]>>> = {
  pageFaults: [SLOT.minorFaults, SLOT.majorFaults],
  minorFaults: [SLOT.minorFaults],
  majorFaults: [SLOT.majorFaults],
  contextSwitches: [SLOT.switches],
  cpuMigrations: [SLOT.migrations],
  taskClock: [SLOT.cpuNs],
};

const ENDED = 'the thread ended, and what the kernel kept of it went with it';

/** @param wanted places in `all` */
export function openProcfs(
  machine: PerfMachine,
  all: readonly PerfEventInfo[],
  wanted: readonly number[],
  target: PerfTarget,
): PerfSourceOpened {
  const failures = new Map<number, string>();
  const notes = new Map<number, string>();
  const needed = new Set(wanted.flatMap((place) => slotsOf(all[place])));
  const accounts: Account[] = [];
  const baseline = new Float64Array(SLOTS).fill(Number.NaN);
  const sources: (string | undefined)[] = [];
  const lacking: (string | undefined)[] = [];
  for (const opener of accountsOf(machine, target)) {
    const slots = opener.slots.filter((slot) => needed.has(slot) && sources[slot] === undefined);
    if (slots.length === 0) continue;
    const account = opener.open();
    if (typeof account === 'string') {
      for (const slot of slots) lacking[slot] = account;
      continue;
    }
    account.read(baseline);
    const had = slots.filter((slot) => !Number.isNaN(baseline[slot]));
    for (const slot of had) sources[slot] = account.source;
    for (const slot of slots) lacking[slot] = `${account.source} does not have it`;
    if (had.length > 0) accounts.push(account);
    else account.close();
  }

  const counted: number[] = [];
  for (const place of wanted) {
    const slots = slotsOf(all[place]);
    const lost = slots.find((slot) => sources[slot] === undefined);
    if (slots.length === 0) failures.set(place, 'nothing but a counter of the processor has it');
    else if (lost !== undefined) failures.set(place, lacking[lost] ?? nobody(machine, target));
    else {
      counted.push(place);
      notes.set(place, `from ${sources[slots[0] ?? 0]}`);
    }
  }
  const source =
    counted.length === 0
      ? null
      : new Procfs(
          counted,
          counted.map((place) => slotsOf(all[place])),
          accounts,
          baseline,
        );
  return { source, notes, failures };
}

function slotsOf(event: PerfEventInfo | undefined): readonly number[] {
  return (event && SLOTS_OF[event.name]) ?? [];
}

function nobody(machine: PerfMachine, target: PerfTarget): string {
  if (machine.platform !== 'linux') return `${machine.platform} does not tell it of ${describe(target)}`;
  if (target === 'process')
    return 'the kernel keeps it for each thread only, and a thread that ends takes its count along';
  return machine.ownTid === undefined ? '/proc/thread-self cannot be read' : 'no file of /proc has it';
}

function describe(target: PerfTarget): string {
  return typeof target === 'object' ? `thread ${target.tid}` : `this ${target}`;
}

class Procfs implements PerfSource {
  readonly #places: readonly number[];
  readonly #slots: readonly (readonly number[])[];
  readonly #accounts: readonly Account[];
  readonly #baseline: Float64Array;
  readonly #now = new Float64Array(SLOTS);

  constructor(
    places: readonly number[],
    slots: readonly (readonly number[])[],
    accounts: readonly Account[],
    baseline: Float64Array,
  ) {
    this.#places = places;
    this.#slots = slots;
    this.#accounts = accounts;
    this.#baseline = baseline;
  }

  sample({ values, tiers, scaled, problems }: PerfColumns): void {
    for (const account of this.#accounts) account.read(this.#now);
    for (let i = 0; i < this.#places.length; i++) {
      const place = this.#places[i] ?? 0;
      let value = 0;
      for (const slot of this.#slots[i] ?? []) value += (this.#now[slot] ?? 0) - (this.#baseline[slot] ?? 0);
      values[place] = value;
      tiers[place] = 'procfs';
      scaled[place] = 0;
      problems[place] = Number.isNaN(value) ? ENDED : null;
    }
  }

  close(): void {
    for (const account of this.#accounts) account.close();
  }
}
