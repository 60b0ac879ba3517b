/** Machines captured elsewhere, where the folder with them is; they are not part of this package. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { memoryFileSystem, Topology } from '../src/index.ts';

const FOLDER = fileURLToPath(new URL('../../../../shared/fixtures/topology/', import.meta.url));

/** Names and topologies. Empty where there are none. */
export function capturedMachines(): [string, Topology][] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((name) => existsSync(`${FOLDER}${name}/fs.json.gz`))
    .map((name) => {
      const { files, links } = JSON.parse(
        gunzipSync(readFileSync(`${FOLDER}${name}/fs.json.gz`)).toString(),
      ) as Record<'files' | 'links', Record<string, string>>;
      return [name, Topology.read({ fs: memoryFileSystem(files, links) })];
    });
}
