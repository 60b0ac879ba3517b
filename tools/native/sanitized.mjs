// The addon of a package with AddressSanitizer and UndefinedBehaviorSanitizer, file by file: a known fault is in one file, and what
// the others compile to is the same whichever it is.
import { basename, join } from 'node:path';
import { COMMON, HEADERS, flagsOf, sourcesOf } from './build.mjs';
import { run } from './run.mjs';

/** Compiles one file; what it includes is beside it, or in `native` or what is common. */
async function compile({ target, compiler }, native, file, object) {
  const [command, ...own] = compiler.command;
  const includes = [HEADERS, native, COMMON].map((folder) => `-I${folder}`);
  const args = [...own, ...flagsOf(target, { sanitize: true }), ...includes, '-c', '-o', object, file];
  const { status, stderr } = await run(command, args);
  if (status !== 0) throw new Error(`native: ${compiler.command.join(' ')} failed\n${stderr}`);
}

/**
 * @param {string} folder the package
 * @param {string} work where the objects go
 * @returns what its C files compile to, by the name of the file
 */
export async function compileObjects(tools, folder, work) {
  const objects = new Map();
  await Promise.all(
    sourcesOf(folder)
      .filter((file) => file.endsWith('.c'))
      .map(async (file) => {
        const object = join(work, `${basename(file)}.o`);
        objects.set(basename(file), object);
        await compile(tools, join(folder, 'native'), file, object);
      }),
  );
  return objects;
}

/** The objects, but for one that is compiled from `file` instead. */
export async function withFile(tools, folder, objects, file) {
  const object = `${file}.o`;
  await compile(tools, join(folder, 'native'), file, object);
  return new Map(objects).set(basename(file), object);
}

/** @returns the addon, which is `out` */
export async function link({ target, compiler }, objects, out) {
  const [command, ...own] = compiler.command;
  const args = [...own, ...flagsOf(target, { sanitize: true }), '-o', out, ...objects.values()];
  const { status, stderr } = await run(command, args);
  if (status !== 0) throw new Error(`native: ${compiler.command.join(' ')} failed\n${stderr}`);
  return out;
}
