/** Finds where the limits of this process stand in the cgroup file systems, versions 1 and 2, and the older `cpuset` one. */
import type { Sysfs } from '../machine/sysfs.ts';

export type Controller = 'cpu' | 'cpuset' | 'memory';

export interface CgroupPlace {
  readonly version: 1 | 2;
  /** Directories from the process's own group up to the highest that is visible here. Never empty. */
  readonly directories: readonly string[];
  /** Prefix of the cpuset files: `cpuset.`, or none in the old file system. */
  readonly prefix: string;
}

interface Mount {
  readonly type: string;
  /** The group that is shown at `point`: `/` but in containers. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

interface Membership {
  readonly controllers: readonly string[];
  readonly path: string;
}

const MAX_DEPTH = 64;
const MAX_LINES = 10_000;

/** `null` where this controller does not govern the process, or its files are not mounted here. */
export function findCgroup(sysfs: Sysfs, controller: Controller): CgroupPlace | null {
  const mount = mountOf(readMounts(sysfs), controller) ?? mountOf(usualMounts(sysfs), controller);
  if (mount === undefined) return null;
  const version = mount.type === 'cgroup2' ? 2 : 1;
  const own = readMemberships(sysfs).find(({ controllers }) =>
    version === 1 ? controllers.includes(controller) : controllers.length === 0,
  );
  // The kernel's own word on cpusets names, in version 2, the group above whose cpuset holds where the own group has none.
  const path = (controller === 'cpuset' ? sysfs.text('/proc/self/cpuset') : undefined) ?? own?.path ?? '/';
  return {
    version,
    directories: lineage(sysfs, mount, path),
    prefix: mount.type === 'cpuset' || mount.options.includes('noprefix') ? '' : 'cpuset.',
  };
}

/** A controller is in one hierarchy only. A version 1 mount proves which one; a version 2 mount names none and proves nothing. */
function mountOf(mounts: readonly Mount[], controller: Controller): Mount | undefined {
  return (
    mounts.find(
      ({ type, options }) =>
        (type === 'cgroup' && options.includes(controller)) || (type === 'cpuset' && controller === 'cpuset'),
    ) ?? mounts.find(({ type }) => type === 'cgroup2')
  );
}

function lineage(sysfs: Sysfs, mount: Mount, path: string): string[] {
  const parts = below(mount.root, path)
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .slice(0, MAX_DEPTH);
  const point = mount.point === '/' ? '' : mount.point;
  const directories: string[] = [];
  for (let depth = parts.length; depth >= 0; depth--) {
    const directory = [point, ...parts.slice(0, depth)].join('/');
    // A container may see its own group at the mount point, by a path that only the host has.
    if (depth === 0 || sysfs.exists(directory)) directories.push(directory);
  }
  return directories;
}

/**
 * The group `path` as seen at a mount of the group `root`. Both may lead out of the cgroup namespace (`/../x`): what is left of the
 * path below the root is visible, anything else outside is not, which leaves the mount point.
 */
function below(root: string, path: string): string {
  const rest =
    root !== '/' && (path === root || path.startsWith(`${root}/`)) ? path.slice(root.length) : path;
  return rest.split('/').includes('..') ? '/' : rest;
}

function readMemberships(sysfs: Sysfs): Membership[] {
  return lines(sysfs, '/proc/self/cgroup').flatMap((line) => {
    const match = /^[0-9]+:([^:]*):(\/.*)$/.exec(line);
    return match === null
      ? []
      : [{ controllers: (match[1] ?? '').split(',').filter(Boolean), path: match[2] ?? '/' }];
  });
}

function readMounts(sysfs: Sysfs): Mount[] {
  const detailed = lines(sysfs, '/proc/self/mountinfo').flatMap((line) => {
    const [left = '', right = ''] = line.split(' - ');
    const [, , , root = '', point = ''] = left.split(' ');
    const [type = '', , options = ''] = right.split(' ');
    return cgroupMount(type, root, point, options);
  });
  if (detailed.length > 0) return detailed;
  return lines(sysfs, '/proc/mounts').flatMap((line) => {
    const [, point = '', type = '', options = ''] = line.split(' ');
    return cgroupMount(type, '/', point, options);
  });
}

function cgroupMount(type: string, root: string, point: string, options: string): Mount[] {
  if (type !== 'cgroup' && type !== 'cgroup2' && type !== 'cpuset') return [];
  return [{ type, root: unescape(root), point: unescape(point), options: options.split(',') }];
}

/** A capture without its mounts, or with those of another machine: where the files are mostly found. */
function usualMounts(sysfs: Sysfs): Mount[] {
  const base = '/sys/fs/cgroup';
  const mounts = ['cpu', 'cpuset', 'memory', 'cpu,cpuacct']
    .filter((name) => sysfs.exists(`${base}/${name}`))
    .map((name) => ({ type: 'cgroup', root: '/', point: `${base}/${name}`, options: name.split(',') }));
  if (
    ['cgroup.controllers', 'cpuset.cpus.effective'].some(
      (name) => sysfs.text(`${base}/${name}`) !== undefined,
    )
  )
    return [{ type: 'cgroup2', root: '/', point: base, options: [] }];
  if (sysfs.text('/dev/cpuset/cpus') === undefined) return mounts;
  return [...mounts, { type: 'cpuset', root: '/', point: '/dev/cpuset', options: [] }];
}

/** Spaces are written `\040` there. */
function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function lines(sysfs: Sysfs, path: string): string[] {
  return (sysfs.text(path) ?? '').split('\n', MAX_LINES);
}
