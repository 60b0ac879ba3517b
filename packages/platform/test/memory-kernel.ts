/**
 * A kernel in a few lines, for one buffer: what its calls do to policies, locks, advice and pages, as Linux has it, with as many nodes as wanted, and with
 * failures where wanted, also half of the way. What it shows in /proc is made of the same state.
 */
import { constants } from 'node:os';
import { formatCpuList, memoryFileSystem } from '../src/index.ts';
import type { MemoryMachine } from '../src/memory/machine.ts';
import type { NativeMemory } from '../src/memory/native-memory.ts';

export const PAGE = 4096;
const BASE = 0x7f00_0000_0000;
const { EINVAL, ENOMEM, EIO, ENODEV, ENOENT, EFAULT, EAGAIN, ENOTTY } = constants.errno;

export interface FakePage {
  mode: number;
  nodes: readonly number[];
  flags: ReadonlySet<string>;
  /** Node; -1 absent, -2 the page of zeros. */
  at: number;
  /** Refuses to move as often. */
  pinned: number;
}

export interface FakeOptions {
  readonly pages?: number;
  /** Nodes with memory. */
  readonly online?: readonly number[];
  /** What the cpuset allows. */
  readonly allowed?: readonly number[];
  /** RLIMIT_MEMLOCK, of a process without CAP_IPC_LOCK. */
  readonly lockLimitBytes?: number;
  readonly files?: Readonly<Record<string, string>>;
  readonly release?: string;
  /** PAGEMAP_SCAN, of 6.7. */
  readonly scan?: boolean;
}

/** Set and cleared flags of the advice that the kernel remembers. */
const ADVICE: Readonly<Record<number, readonly [set: string, ...clear: string[]]>> = {
  0: ['', 'rr', 'sr'],
  1: ['rr', 'sr'],
  2: ['sr', 'rr'],
  10: ['dc'],
  11: ['', 'dc'],
  12: ['mg'],
  13: ['', 'mg'],
  14: ['hg', 'nh'],
  15: ['nh', 'hg'],
  16: ['dd'],
  17: ['', 'dd'],
  18: ['wf'],
  19: ['', 'wf'],
};
const DONTNEED = 4;
const POPULATE_READ = 22;
const POPULATE_WRITE = 23;
const COLLAPSE = 25;

export class FakeKernel {
  readonly pages: FakePage[];
  readonly range: Uint8Array;
  readonly calls: string[] = [];
  /** Answers instead of the kernel; `undefined` lets it go on. `firstPage` does what was asked to the first page of the range alone. */
  intercept: (name: string, firstPage: () => void) => number | undefined = () => undefined;
  readonly #options: Required<FakeOptions>;

  constructor(options: FakeOptions = {}) {
    const online = options.online ?? [0, 1, 2, 3];
    this.#options = {
      pages: 16,
      online,
      allowed: online,
      lockLimitBytes: Number.POSITIVE_INFINITY,
      files: {},
      release: '6.18.0',
      scan: true,
      ...options,
    };
    this.range = new Uint8Array(this.#options.pages * PAGE);
    this.pages = Array.from({ length: this.#options.pages }, () => ({
      mode: 0,
      nodes: [],
      flags: new Set(['rd', 'wr']),
      at: -1,
      pinned: 0,
    }));
  }

  /** A part of the buffer. */
  part(from: number, to: number): Uint8Array {
    return this.range.subarray(from * PAGE, to * PAGE);
  }

  /** Everything that a failed call must leave alone. */
  settings(): unknown {
    return this.pages.map(({ mode, nodes, flags }) => ({ mode, nodes, flags: [...flags].toSorted() }));
  }

  get machine(): MemoryMachine {
    const { online, allowed, lockLimitBytes, files, release } = this.#options;
    const limit = lockLimitBytes === Number.POSITIVE_INFINITY ? 'unlimited' : String(lockLimitBytes);
    const still = {
      '/sys/devices/system/node/has_memory': `${formatCpuList(online)}\n`,
      '/proc/self/limits': `Max locked memory ${limit} ${limit} bytes\n`,
      '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n',
      '/sys/kernel/mm/transparent_hugepage/hpage_pmd_size': `${4 * PAGE}\n`,
    };
    return {
      native: { addon: this.#addon(), reason: 'of a test' },
      release,
      files: {
        readDir: (path) => memoryFileSystem({ ...still, ...files }).readDir(path),
        readFile: (path) =>
          memoryFileSystem({
            ...still,
            '/proc/self/status': `VmLck:\t${(this.#lockedBytes() / 1024).toString()} kB\nMems_allowed_list:\t${formatCpuList(allowed)}\n`,
            ...files,
          }).readFile(path),
      },
      lines: (path) => (path.endsWith('maps') ? this.#lines(path.endsWith('/smaps')) : undefined),
    };
  }

  #lockedBytes(): number {
    return this.pages.filter(({ flags }) => flags.has('lo')).length * PAGE;
  }

  *#lines(detailed: boolean): Generator<string> {
    yield '00400000-00500000 r-xp 00000000 fe:00 77 /bin/program';
    if (detailed) yield 'VmFlags: rd ex';
    for (let from = 0; from < this.pages.length;) {
      const key = this.#key(from);
      let to = from + 1;
      while (to < this.pages.length && this.#key(to) === key) to++;
      const hex = (page: number): string => (BASE + page * PAGE).toString(16);
      yield `${hex(from)}-${hex(to)} rw-p 00000000 00:00 0 `;
      const flags = this.pages[from]?.flags;
      if (detailed) {
        yield `Size:           ${(to - from) * 4} kB`;
        yield 'AnonHugePages:      0 kB';
        yield `THPeligible:           ${flags?.has('hg') === true ? 1 : 0}`;
        yield `VmFlags: ${[...(flags ?? [])].join(' ')} `;
      }
      from = to;
    }
    yield 'ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]';
  }

  #key(page: number): string {
    const { mode, nodes, flags } = this.pages[page] as FakePage;
    return JSON.stringify([mode, nodes, [...flags].toSorted()]);
  }

  #addon(): NativeMemory {
    const on = (view: Uint8Array, offset: number, length: number): FakePage[] =>
      this.pages.slice((view.byteOffset + offset) / PAGE, (view.byteOffset + offset + length) / PAGE);
    const addon: NativeMemory = {
      pageBytes: () => PAGE,
      memoryAddress: (view, offset) => BASE + view.byteOffset + offset,
      memoryAdvise: (view, offset, length, advice) => this.#advise(on(view, offset, length), advice),
      memoryLock: (view, offset, length) => {
        const pages = on(view, offset, length);
        const more = pages.filter(({ flags }) => !flags.has('lo')).length * PAGE;
        if (this.#lockedBytes() + more > this.#options.lockLimitBytes) return -ENOMEM;
        for (const page of pages) {
          page.flags = new Set([...page.flags, 'lo']);
          if (page.at < 0) page.at = 0;
        }
        return 0;
      },
      memoryUnlock: (view, offset, length) => {
        for (const page of on(view, offset, length))
          page.flags = new Set([...page.flags].filter((flag) => flag !== 'lo'));
        return 0;
      },
      memoryResidentPages: (view, offset, length) =>
        on(view, offset, length).filter(({ at }) => at !== -1).length,
      memoryBind: (view, offset, length, mode, mask, flags) =>
        this.#bind(on(view, offset, length), mode, mask, flags),
      memoryPolicy: (view, offset, _length, mask) => {
        const [page] = on(view, offset, PAGE);
        mask.fill(0);
        for (const node of page?.nodes ?? []) mask[node >> 3] = (mask[node >> 3] ?? 0) | (1 << (node & 7));
        return page?.mode ?? 0;
      },
      memoryNodes: (view, offset, length, status) => {
        for (const [index, { at }] of on(view, offset, length).entries())
          status[index] = at >= 0 ? at : at === -2 ? -EFAULT : -ENOENT;
        return 0;
      },
      memoryMove: (view, offset, length, _status, node) => {
        if (!this.#options.online.includes(node)) return -ENODEV;
        for (const page of on(view, offset, length)) move(page, node);
        return 0;
      },
      memoryTouch: (view, offset, length, write) => {
        for (const page of on(view, offset, length)) populate(page, write === 1);
        return 0;
      },
      memoryHugeBytes: () => (this.#options.scan ? 0 : -ENOTTY),
    };
    return Object.fromEntries(
      Object.entries(addon).map(([name, call]: [string, (...args: unknown[]) => number]) => [
        name,
        (...args: unknown[]): number => {
          this.calls.push(name);
          return this.intercept(name, () => call(args[0], args[1], PAGE, ...args.slice(3))) ?? call(...args);
        },
      ]),
    ) as unknown as NativeMemory;
  }

  #advise(pages: FakePage[], advice: number): number {
    if (advice === DONTNEED) {
      for (const page of pages) {
        if (page.flags.has('lo')) return -EINVAL;
        page.at = -1;
      }
      return 0;
    }
    if (advice === POPULATE_READ || advice === POPULATE_WRITE) {
      for (const page of pages) populate(page, advice === POPULATE_WRITE);
      return 0;
    }
    if (advice === COLLAPSE) return pages.every(({ at }) => at === -1) ? -EINVAL : -EAGAIN;
    const known = ADVICE[advice];
    if (known === undefined) return -EINVAL;
    const [set, ...clear] = known;
    for (const page of pages)
      page.flags = new Set(
        [...page.flags, set].filter((flag) => flag !== '' && (flag === set || !clear.includes(flag))),
      );
    return 0;
  }

  #bind(pages: FakePage[], mode: number, mask: Uint8Array, flags: number): number {
    const { online, allowed } = this.#options;
    const asked = Array.from({ length: 1024 }, (_, node) => node).filter(
      (node) => ((mask[node >> 3] ?? 0) & (1 << (node & 7))) !== 0,
    );
    const nodes = asked.filter((node) => online.includes(node) && allowed.includes(node));
    if (mode > 6 || (mode !== 0 && mode !== 4 && nodes.length === 0)) return -EINVAL;
    const elsewhere = (page: FakePage): boolean => page.at >= 0 && !nodes.includes(page.at);
    if (flags === 1 && pages.some(elsewhere)) return -EIO;
    for (const page of pages) {
      page.mode = mode;
      page.nodes = nodes;
    }
    if ((flags & 2) === 0) return 0;
    for (const page of pages) if (elsewhere(page)) move(page, nodes[0] ?? 0);
    return (flags & 1) !== 0 && pages.some(elsewhere) ? -EIO : 0;
  }
}

function move(page: FakePage, node: number): void {
  if (page.at < 0 || page.at === node) return;
  if (page.pinned > 0) page.pinned--;
  else page.at = node;
}

function populate(page: FakePage, write: boolean): void {
  if (page.at === -1 || (write && page.at === -2)) page.at = write ? 0 : -2;
}
