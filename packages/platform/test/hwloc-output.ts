/** Reads what hwloc printed for a machine (`lstopo` text or XML) into the same terms as ours. */
import { parseCpuMap } from '../src/index.ts';

export interface Found {
  /** `PU`, `Core`, `L1dCache`… */
  readonly kind: string;
  readonly os: number | null;
  readonly cpus: readonly number[];
  readonly attributes: Readonly<Record<string, string>>;
}

export interface HwlocOutput {
  readonly objects: readonly Found[];
  /** Kernel numbers of the PUs in the order of the tree. */
  readonly order: readonly number[];
  /** Kernel numbers of nodes to rows of distances, in the order of `nodes`. */
  readonly distances: {
    readonly nodes: readonly number[];
    readonly rows: readonly (readonly number[])[];
  } | null;
  readonly kinds: readonly (readonly number[])[];
}

const LINE =
  /^( *)([A-Z][A-Za-z0-9]*)(?:\[[^\]]*\])?(?:\([A-Z]+\))?(?: L#(\d+))?(?: \((.*)\))?(?: "[^"]*")?$/s; // a model name may hold a carriage return

export function parseConsole(text: string): HwlocOutput {
  const lines = text.split('\n');
  const objects: { kind: string; os: number | null; cpus: number[]; attributes: Record<string, string> }[] =
    [];
  const order: number[] = [];
  const logicalNodes: number[] = [];
  const stack: { depth: number; object: (typeof objects)[number]; isMemory: boolean }[] = [];
  const nodes: { object: (typeof objects)[number]; parent: (typeof objects)[number] }[] = [];
  for (const line of lines) {
    if (line.startsWith('depth 0')) break;
    const match = LINE.exec(line);
    if (match === null) continue;
    const [, indent = '', kind = '', logical, details = ''] = match;
    const os = /^P#(\d+)/.exec(details)?.[1];
    const attributes = Object.fromEntries(
      [...details.matchAll(/(\w+)=("[^"]*"|\S*)/g)].map(([, name, value]) => [name, value]),
    );
    const object = { kind, os: os === undefined ? null : Number(os), cpus: [] as number[], attributes };
    while ((stack.at(-1)?.depth ?? -1) >= indent.length) stack.pop();
    objects.push(object);
    if (kind === 'NUMANode') {
      const parent = stack.findLast(({ isMemory }) => !isMemory)?.object;
      if (parent !== undefined) nodes.push({ object, parent });
      logicalNodes[Number(logical)] = object.os ?? -1;
    }
    if (kind === 'PU') {
      order.push(object.os ?? -1);
      object.cpus.push(object.os ?? -1);
      for (const { object: outer } of stack) outer.cpus.push(object.os ?? -1);
    }
    stack.push({ depth: indent.length, object, isMemory: kind === 'MemCache' || kind === 'NUMANode' });
  }
  for (const { object, parent } of nodes) object.cpus = parent.cpus;
  for (const object of objects) object.cpus.sort((a, b) => a - b);
  return { objects, order, distances: distancesOf(lines, logicalNodes), kinds: kindsOf(lines) };
}

const numbers = (line = ''): number[] => line.trim().split(/\s+/).slice(1).map(Number);

function distancesOf(lines: readonly string[], logicalNodes: readonly number[]): HwlocOutput['distances'] {
  const start = lines.findIndex((line) => line.startsWith('Relative latency matrix (name NUMALatency'));
  if (start < 0) return null;
  const nodes = numbers(lines[start + 1]).map((logical) => logicalNodes[logical] ?? -1);
  return { nodes, rows: nodes.map((_, index) => numbers(lines[start + 2 + index])) };
}

function kindsOf(lines: readonly string[]): number[][] {
  return lines.flatMap((line) => {
    const map = /^CPU kind #\d+ .*cpuset (\S+)/.exec(line)?.[1];
    return map === undefined ? [] : [[...hwlocMap(map)]];
  });
}

/** As the kernel's, but with `0x`, and words that are 0 left out: `0x00000001,,0x0`. */
function hwlocMap(text: string): readonly number[] {
  return text === ''
    ? []
    : parseCpuMap(
        text
          .split(',')
          .map((word) => word.replace('0x', '') || '0')
          .join(),
      );
}

export function parseXml(text: string): HwlocOutput {
  const objects: Found[] = [];
  const order: number[] = [];
  for (const [, body = ''] of text.matchAll(/<object ([^>]*?)\/?>/g)) {
    const attributes = Object.fromEntries(
      [...body.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]),
    );
    const type = attributes['type'] ?? '';
    const kind = attributes['cache_type'] === '1' ? type.replace(/^(L\d)Cache$/, '$1dCache') : type;
    const os = attributes['os_index'];
    const cpus = hwlocMap(attributes['cpuset'] ?? '');
    objects.push({ kind, os: os === undefined ? null : Number(os), cpus, attributes });
    if (kind === 'PU') order.push(Number(os));
  }
  return { objects, order, distances: null, kinds: [] };
}

/** Sizes as printed: `size=1280KiB`; as in XML: `cache_size="1310720"`. `null` where there is none, and the unit it was rounded to. */
export function sizeOf({ attributes }: Found, ...names: string[]): { bytes: number; unit: number } | null {
  const text = names.map((name) => attributes[name]).find((value) => value !== undefined);
  const match = /^(\d+)(KiB|MiB|GiB|TiB)?$/.exec(text ?? '');
  if (match === null) return null;
  const unit = match[2] === undefined ? 1 : 1024 ** (1 + ['KiB', 'MiB', 'GiB', 'TiB'].indexOf(match[2]));
  return { bytes: Number(match[1]) * unit, unit };
}

/**
 * The tree as drawn: indentation, names, logical and kernel's numbers, sizes. Without what hwloc knows of devices, of the processor
 * and of the kind of memory.
 */
export function drawnLines(text: string): string[] {
  const lines = text.split(/\n(?=[ A-Za-z])/).filter((line) => !/^ *OSDev/.test(line));
  const end = lines.findIndex((line) => !/^ *[A-Z]\w*(\(\w+\))?( L#| \(P#|$)/.test(line));
  return lines.slice(0, end < 0 ? undefined : end).map((line) => {
    const [, place = '', details = ''] = /^( *\w+(?:\(\w+\))?(?: L#\d+)?)(?: \((.*)\))?/s.exec(line) ?? [];
    const facts = details.match(/(?<=^| )(?:P#\d+|(?:local|total|size|linesize|ways|cpukind)=\S+)/g) ?? [];
    return [place.replace(/(?<=NUMANode)\(\w+\)/, ''), ...facts].join(' ');
  });
}
