/** Draws a machine as hwloc's `lstopo` does in text, with what it prints in brackets when asked to be verbose. */
import { formatCpuList } from '../machine/cpu-set.ts';
import type { Drawn } from './drawing.ts';
import { drawingOf } from './drawing.ts';
import type { NumaNode, TopologyData } from './topology-data.ts';
import { cacheKind } from './topology-data.ts';

export function drawTopology(data: TopologyData): string {
  const lines: string[] = [];
  draw(data, drawingOf(data), 0, lines);
  return [...lines, ...footer(data)].join('\n');
}

function draw(data: TopologyData, item: Drawn, depth: number, lines: string[]): void {
  const indent = '  '.repeat(depth);
  lines.push(`${indent}${labelOf(data, item)}`);
  // Memory comes first, below its caches.
  for (const { node, logical, cacheLogical } of item.memory) {
    let inner = `${indent}  `;
    for (const [index, { sizeBytes, lineBytes, ways }] of node.memorySideCaches.entries()) {
      const size = [
        bytes('total', node.memoryBytes),
        bytes('size', sizeBytes),
        number('linesize', lineBytes),
        number('ways', ways),
      ];
      lines.push(`${inner}${label(`MemCache L#${cacheLogical + index}`, ...size)}`);
      inner += '  ';
    }
    lines.push(`${inner}${nodeLabel(node, logical)}`);
  }
  for (const child of item.children) draw(data, child, depth + 1, lines);
}

function labelOf(data: TopologyData, item: Drawn): string {
  const { kind, logical, totalBytes } = item;
  const name = `${kind} L#${logical}`;
  const total = bytes('total', totalBytes);
  switch (item.of) {
    case 'machine':
      return label(
        'Machine',
        'P#0',
        bytes('total', totalBytes ?? data.memoryBytes),
        quoted('DMIProductName', data.model),
      );
    case 'package':
      return label(name, os(item.os), total, quoted('CPUModel', data.packages[item.index]?.model ?? null));
    case 'cache': {
      const cache = data.caches[item.index];
      if (cache === undefined) return name;
      const { sizeBytes, lineBytes, ways } = cache;
      const shape = [bytes('size', sizeBytes), `linesize=${lineBytes ?? 0}`, number('ways', ways)];
      return label(`${cacheKind(cache)} L#${logical}`, os(item.os), total, ...shape);
    }
    case 'core':
      return label(name, os(item.os), total, coreKind(data, item.cpus));
    case 'other':
      return label(name, os(item.os), total);
  }
}

function nodeLabel(node: NumaNode, logical: number): string {
  const memory = [bytes('local', node.memoryBytes), bytes('total', node.memoryBytes)];
  return label(`NUMANode L#${logical}`, os(node.os), ...memory, number('tier', node.tier));
}

function coreKind(data: TopologyData, cpus: readonly number[]): string {
  if (data.kinds.length < 2) return '';
  const own = data.kinds.find((item) => item.cpus.includes(cpus[0] ?? -1));
  return own === undefined ? '' : `cpukind=${own.index}`;
}

function footer(data: TopologyData): string[] {
  const lines: string[] = [];
  if (data.offlineCpus.length > 0) lines.push(`offline CPUs: ${formatCpuList(data.offlineCpus)}`);
  if (data.disallowedCpus.length > 0)
    lines.push(`CPUs outside the cpuset: ${formatCpuList(data.disallowedCpus)}`);
  if (data.disallowedNodes.length > 0)
    lines.push(`nodes outside the cpuset: ${formatCpuList(data.disallowedNodes)}`);
  for (const note of data.notes) lines.push(`note: ${note}`);
  return lines;
}

function label(name: string, ...facts: string[]): string {
  const known = facts.filter((fact) => fact !== '');
  return known.length === 0 ? name : `${name} (${known.join(' ')})`;
}

function os(value: number | null): string {
  return value === null ? '' : `P#${value}`;
}

function number(name: string, value: number | null): string {
  return value === null ? '' : `${name}=${value}`;
}

function quoted(name: string, text: string | null): string {
  return text === null ? '' : `${name}=${JSON.stringify(text)}`;
}

/** KiB below 10 MiB, and so on, as hwloc. */
function bytes(name: string, value: number | null): string {
  if (value === null || value === 0) return '';
  const units = ['KiB', 'MiB', 'GiB', 'TiB'];
  let scaled = Math.round(value / 1024);
  let unit = 0;
  while (scaled >= 10_240 && unit < units.length - 1) {
    scaled = Math.round(scaled / 1024);
    unit++;
  }
  return `${name}=${scaled}${units[unit]}`;
}
