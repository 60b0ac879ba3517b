// From a request line to what is asked for. Nothing else: whether the source is known and the names are good is the intake's business.

export type Route =
  | { readonly kind: 'hook'; readonly source: string; readonly event: string }
  | { readonly kind: 'metrics' | 'health' | 'ready' | 'state' }
  | { readonly kind: 'wrong method'; readonly allow: string }
  | { readonly kind: 'nothing' };

const NOTHING: Route = { kind: 'nothing' };
const PAGES: Readonly<Record<string, Route>> = {
  '/metrics': { kind: 'metrics' },
  '/healthz': { kind: 'health' },
  '/readyz': { kind: 'ready' },
  '/state': { kind: 'state' },
};

/** @param url path and query as they stand in the request line */
export function routeOf(method: string | undefined, url: string): Route {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  if (path.startsWith('/hooks/')) {
    const slash = path.indexOf('/', 7);
    if (slash < 0 || slash === path.length - 1 || path.includes('/', slash + 1)) return NOTHING;
    if (method !== 'POST') return { kind: 'wrong method', allow: 'POST' };
    return { kind: 'hook', source: path.slice(7, slash), event: path.slice(slash + 1) };
  }
  const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
  if (page === undefined) return NOTHING;
  return method === 'GET' || method === 'HEAD' ? page : { kind: 'wrong method', allow: 'GET, HEAD' };
}
