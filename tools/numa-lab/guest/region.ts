/** Memory to place, and what the kernel says of it in files: not by the system calls that the package itself reads back with. */
import { readFileSync } from 'node:fs';
import { alignedRange, releaseMemory } from '@corelane/platform';
import { expectVerified } from './answers.ts';
import { Mismatch } from './suite.ts';

const WASM_PAGE_BYTES = 65_536;
const PAGE_BYTES = 4096;
const MIB = 2 ** 20;

export interface Truth {
  /** As numa_maps has it: `default`, `bind:2`, `interleave:0-3`. */
  readonly policy: string;
  /** Resident pages by node. */
  readonly pages: Readonly<Record<number, number>>;
}

let regions = 0;

/** A shared WebAssembly.Memory with a size that no other has, by which its mapping is found. */
export class Region {
  readonly view: Uint8Array;
  readonly pages: number;

  constructor(mebibytes: number) {
    const wasmPages = (mebibytes * MIB) / WASM_PAGE_BYTES + ++regions;
    const memory = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
    this.view = expectVerified('alignedRange', alignedRange(memory.buffer));
    if (this.view.byteLength !== memory.buffer.byteLength)
      throw new Mismatch(`a WebAssembly.Memory is not page-aligned: ${this.view.byteLength} bytes of it are`);
    this.pages = this.view.byteLength / PAGE_BYTES;
  }

  /** Writes to every page of a part, each time another byte. */
  touch(from = 0, to = this.view.byteLength): void {
    for (let at = from; at < to; at += PAGE_BYTES) this.view[at] = (at / PAGE_BYTES) % 251;
  }

  /** @throws Mismatch where a page has not what `touch` wrote. */
  expectTouched(): void {
    for (let at = 0; at < this.view.byteLength; at += PAGE_BYTES)
      if (this.view[at] !== (at / PAGE_BYTES) % 251)
        throw new Mismatch(
          `page ${at / PAGE_BYTES} has ${this.view[at]}, expected ${(at / PAGE_BYTES) % 251}`,
        );
  }

  /** /proc/self/numa_maps of the mapping. @throws Mismatch unless there is exactly one of this size. */
  truth(): Truth {
    const starts = lines('/proc/self/maps').flatMap((line) => {
      const [, start = '', end = ''] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      return parseInt(end, 16) - parseInt(start, 16) === this.view.byteLength ? [parseInt(start, 16)] : [];
    });
    const found = lines('/proc/self/numa_maps').filter((line) => starts.includes(parseInt(line, 16)));
    const [line] = found;
    if (line === undefined || found.length > 1)
      throw new Mismatch(`${found.length} mappings of ${this.view.byteLength} bytes, expected 1`);
    const pages: Record<number, number> = {};
    for (const [, node, count] of line.matchAll(/ N(\d+)=(\d+)/g)) pages[Number(node)] = Number(count);
    const [, policy = ''] =
      /^[0-9a-f]+ (.*?)(?: anon=| dirty=| file=| heap| stack| mapped=| active=| N\d+=| kernelpagesize_kB=|$)/.exec(
        line,
      ) ?? [];
    return { policy, pages };
  }

  /** How much of the mapping is in huge pages, by /proc/self/smaps. */
  hugeBytes(): number {
    let inside = false;
    for (const line of lines('/proc/self/smaps')) {
      const [, start, end] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
      if (start !== undefined && end !== undefined)
        inside = parseInt(end, 16) - parseInt(start, 16) === this.view.byteLength;
      const kibibytes = /^AnonHugePages:\s*(\d+) kB$/.exec(line)?.[1];
      if (inside && kibibytes !== undefined) return Number(kibibytes) * 1024;
    }
    throw new Mismatch(`no mapping of ${this.view.byteLength} bytes in smaps`);
  }

  [Symbol.dispose](): void {
    releaseMemory(this.view);
  }
}

function lines(path: string): string[] {
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

/** `default; 16400 pages: 4100 on node 0, …` */
export function showTruth({ policy, pages }: Truth): string {
  const parts = Object.entries(pages).map(([node, count]) => `${count} on node ${node}`);
  return `${policy}: ${parts.length === 0 ? 'no page' : parts.join(', ')}`;
}
