/** Where a socket is or goes to: an address of IP and a port, and how names become one. */
import dns from 'node:dns';
import net from 'node:net';
import os from 'node:os';
import { IoArgumentError, OperationTimeoutError } from '../errors.ts';
import type { OperationOptions } from '../operation-options.ts';
import { ADDRESS, ADDRESS_BYTES } from '../layout.ts';

export interface Endpoint {
  /** `127.0.0.1`, `::1`, `fe80::1%2`. */
  readonly address: string;
  readonly port: number;
  readonly family: 'IPv4' | 'IPv6';
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function showEndpoint({ address, port, family }: Endpoint): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

/** @throws IoArgumentError */
export function checkPort(port: unknown, least: number): asserts port is number {
  if (typeof port !== 'number' || !Number.isInteger(port) || port < least || port > 65_535)
    throw new IoArgumentError('port', port, `a whole number from ${least} to 65535`);
}

/**
 * The addresses of a host, as node:net would try them. Rejects with the error of node:dns, `signal.reason` or OperationTimeoutError.
 * @throws IoArgumentError
 */
export async function resolveHost(
  host: unknown,
  port: number,
  options: OperationOptions = {},
): Promise<Endpoint[]> {
  if (typeof host !== 'string' || host === '' || host.length > 255 || host.includes('\0'))
    throw new IoArgumentError('host', host, 'a name or an address of 1 to 255 characters');
  const version = net.isIP(host);
  const [, zone] = host.split('%');
  if (version === 6 && zone !== undefined) zoneIndex(host, zone);
  if (version !== 0) return [{ address: host, port, family: version === 4 ? 'IPv4' : 'IPv6' }];
  const looking = dns.promises.lookup(host, { all: true });
  const found = await Promise.race([looking, givenUp(looking, options)]);
  return found.map(({ address, family }) => ({ address, port, family: family === 4 ? 'IPv4' : 'IPv6' }));
}

/** Rejects when it has taken too long, or was aborted: a look-up itself cannot be. Nothing of it is left once `until` is over. */
async function givenUp(until: Promise<unknown>, { signal, timeoutMs }: OperationOptions): Promise<never> {
  return new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal?.reason);
    signal?.throwIfAborted();
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => reject(new OperationTimeoutError(timeoutMs, 'getaddrinfo')), timeoutMs);
    const over = (): void => {
      signal?.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    };
    until.then(over, over);
  });
}

/** The record that the addon takes. @throws IoArgumentError where the zone of an address is no interface of this machine */
export function writeEndpoint({ address, port, family }: Endpoint, into: Uint8Array): void {
  const [text = '', zone] = address.split('%');
  into.fill(0, 0, ADDRESS_BYTES);
  const view = new DataView(into.buffer, into.byteOffset, ADDRESS_BYTES);
  into[ADDRESS.family] = family === 'IPv4' ? 4 : 6;
  view.setUint16(ADDRESS.port, port, true);
  if (zone !== undefined) view.setUint32(ADDRESS.scope, zoneIndex(address, zone), true);
  for (let at = 0; at < text.length && ADDRESS.text + at < ADDRESS_BYTES - 1; at++)
    into[ADDRESS.text + at] = text.charCodeAt(at);
}

export function readEndpoint(record: Uint8Array): Endpoint {
  const view = new DataView(record.buffer, record.byteOffset, ADDRESS_BYTES);
  const scope = view.getUint32(ADDRESS.scope, true);
  const text = record.subarray(ADDRESS.text, record.indexOf(0, ADDRESS.text));
  const address = String.fromCharCode(...text) + (scope === 0 ? '' : `%${scope}`);
  return {
    address,
    port: view.getUint16(ADDRESS.port, true),
    family: record[ADDRESS.family] === 4 ? 'IPv4' : 'IPv6',
  };
}

function zoneIndex(address: string, zone: string): number {
  const scope = /^\d+$/.test(zone)
    ? Number(zone)
    : os.networkInterfaces()[zone]?.find(({ family }) => family === 'IPv6')?.scopeid;
  if (scope === undefined || scope > 2 ** 32 - 1)
    throw new IoArgumentError('host', address, 'an address whose zone is an interface of this machine');
  return scope;
}

/** As `Endpoint`, of what node:net tells. */
export function endpointFrom(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined
    ? undefined
    : { address, port, family: net.isIPv6(address) ? 'IPv6' : 'IPv4' };
}
