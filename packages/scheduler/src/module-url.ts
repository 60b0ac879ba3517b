// Modules by the names that their authors have at hand.
import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ArgumentRangeError } from '@corelane/shared-memory';

/** @throws ArgumentRangeError */
export function moduleUrl(module: string | URL): string {
  if (typeof module !== 'string' && !(module instanceof URL))
    throw new ArgumentRangeError('module', module, 'a URL or an absolute path');
  const text = String(module);
  if (isAbsolute(text)) return pathToFileURL(text).href;
  if (!URL.canParse(text)) throw new ArgumentRangeError('module', text, 'a URL or an absolute path');
  return text;
}
