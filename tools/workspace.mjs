// Keeps the workspace consistent with the dependencies that the package.json files declare.
//   node tools/workspace.mjs            rewrites the `references` of every tsconfig.lib.json and of tsconfig.json
//   node tools/workspace.mjs --check    fails where one is out of date, or where a dependency breaks a boundary rule
// Stands in for `nx sync` and @nx/eslint-plugin, which need the TypeScript <= 6 API.
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';

/** What each package may import of the others: the table of docs/architecture.md. Apps may import every package. */
const MAY_IMPORT = {
  'shared-memory': [],
  'lock-free': ['shared-memory'],
  platform: [],
  'atomic-state': ['shared-memory', 'lock-free'],
  'buffer-pool': ['shared-memory', 'lock-free'],
  'io-ring': [],
  'memory-tracker': ['shared-memory'],
  'perf-counters': ['shared-memory'],
  'perf-tools': ['perf-counters'],
  scheduler: ['shared-memory', 'lock-free'],
  'scheduler-checkpoints': ['scheduler'],
};

const root = join(import.meta.dirname, '..');
const check = process.argv.includes('--check');
const read = (file) => JSON.parse(readFileSync(file, 'utf8'));
const problems = [];

const projects = new Map();
for (const group of ['packages', 'apps']) {
  for (const dir of readdirSync(join(root, group)).toSorted()) {
    const file = join(root, group, dir, 'package.json');
    if (!existsSync(file)) continue;
    const manifest = read(file);
    if (manifest.name !== `@corelane/${dir}`) problems.push(`${group}/${dir}: is named ${manifest.name}`);
    if (group === 'packages' && !(dir in MAY_IMPORT))
      problems.push(`${group}/${dir}: has no row in MAY_IMPORT`);
    projects.set(manifest.name, { group, name: dir, dir: join(root, group, dir), manifest });
  }
}

function references(file, wanted) {
  const config = read(file);
  const next = wanted.map((path) => ({ path }));
  if (JSON.stringify(config.references ?? []) === JSON.stringify(next)) return;
  if (check)
    problems.push(`${relative(root, file)}: references are out of date (run: node tools/workspace.mjs)`);
  else writeFileSync(file, `${JSON.stringify({ ...config, references: next }, null, 2)}\n`);
}

function* sources(dir) {
  if (!existsSync(dir)) return;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && entry.name.endsWith('.ts')) yield join(entry.parentPath, entry.name);
}

/** Imports between packages in shipped code: only what the table allows, declared, and by a package's public names. */
function checkImports({ group, name, dir, manifest }) {
  const allowed = group === 'apps' ? Object.keys(MAY_IMPORT) : (MAY_IMPORT[name] ?? []);
  for (const file of [...sources(join(dir, 'src')), ...sources(join(dir, 'kernel'))]) {
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import)\s*\(?\s*'(@corelane\/[^']+|\.\.?\/[^']+)'/g)) {
      if (specifier.startsWith('.')) {
        const target = relative(dir, join(file, '..', specifier));
        if (target.startsWith('..'))
          problems.push(`${relative(root, file)}: leaves its package by '${specifier}'`);
        continue;
      }
      const [, to, ...path] = specifier.split('/');
      const subpath = path.length === 0 ? '.' : `./${path.join('/')}`;
      const target = projects.get(`@corelane/${to}`);
      if (!target || !allowed.includes(to))
        problems.push(`${relative(root, file)}: ${group}/${name} must not import ${specifier}`);
      else if (!manifest.dependencies?.[`@corelane/${to}`])
        problems.push(`${relative(root, file)}: imports ${specifier}, which package.json does not declare`);
      else if (
        !(subpath in target.manifest.exports) &&
        !(path[0] === 'kernel' && './kernel/*' in target.manifest.exports)
      )
        problems.push(`${relative(root, file)}: ${specifier} is not exported`);
    }
  }
}

for (const project of projects.values()) {
  const { group, name, dir, manifest } = project;
  const deps = Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  });
  const inner = deps.filter((d) => projects.has(d)).toSorted();
  for (const dep of inner) {
    const to = projects.get(dep).name;
    if (group === 'packages' && !(MAY_IMPORT[name] ?? []).includes(to))
      problems.push(`packages/${name}: must not depend on ${dep}`);
  }
  checkImports(project);
  references(
    join(dir, 'tsconfig.lib.json'),
    inner.map((d) => `${relative(dir, projects.get(d).dir).replaceAll('\\', '/')}/tsconfig.lib.json`),
  );
}
references(join(root, 'tsconfig.json'), [
  ...[...projects.values()].map(({ dir }) => `./${relative(root, dir).replaceAll('\\', '/')}`),
  './tsconfig.tools.json',
]);

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
