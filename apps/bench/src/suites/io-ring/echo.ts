// An echo server over TCP, and connections that each send a message and wait for it: the server in a process of its own, the connections in C.
import { Companion } from '../../companion.ts';
import { RawProgram } from '../../raw-program.ts';
import type { BatchCase, BatchGroup, BatchResult } from '../../suite.ts';
import { Held } from '../state/held.ts';
import type { EchoRequest } from './echo-process.ts';

interface Server extends Disposable {
  readonly port: number;
  /** CPU time of its process since it began. */
  cpuNs(): Promise<number>;
}

interface Running {
  readonly server: Server;
  readonly client: RawProgram;
}

async function inNode(how: 'ring' | 'net'): Promise<Server> {
  const companion = Companion.start('suites/io-ring/echo-process');
  try {
    const { port } = await companion.request<{ port: number }>({ type: 'serve', how } satisfies EchoRequest);
    return {
      port,
      async cpuNs() {
        const spent = await companion.request<{ cpuNs: number }>({ type: 'spent' } satisfies EchoRequest);
        return spent.cpuNs;
      },
      [Symbol.dispose]: () => companion[Symbol.dispose](),
    };
  } catch (error) {
    companion[Symbol.dispose]();
    throw error;
  }
}

async function inC(): Promise<Server> {
  const program = RawProgram.start();
  try {
    const { port } = await program.request<{ port: number }>('serve');
    return {
      port,
      async cpuNs() {
        return (await program.request<{ cpuNs: number }>('spent')).cpuNs;
      },
      [Symbol.dispose]: () => program[Symbol.dispose](),
    };
  } catch (error) {
    program[Symbol.dispose]();
    throw error;
  }
}

async function connected(server: Server, connections: number, bytes: number): Promise<Running> {
  let client: RawProgram | undefined;
  try {
    client = RawProgram.start();
    await client.request(`echo-open ${server.port} ${connections} ${bytes}`);
    return { server, client };
  } catch (error) {
    client?.[Symbol.dispose]();
    server[Symbol.dispose]();
    throw error;
  }
}

/** CPU time of the server's process for each message. */
const SERVER_CPU = 'serverCpu';

function echoCase(
  definition: Pick<BatchCase, 'name' | 'role'> & Partial<Pick<BatchCase, 'note'>>,
  { connections, bytes }: { connections: number; bytes: number },
  serve: () => Promise<Server>,
): BatchCase {
  const held = new Held<Running & { messages: number }>();
  return {
    ...definition,
    bare: true,
    async setup() {
      held.set({ ...(await connected(await serve(), connections, bytes)), messages: 0 });
    },
    async batch(operations): Promise<BatchResult> {
      const state = held.get();
      const before = await state.server.cpuNs();
      const { successful, elapsedNs, cpuNs, lastError } = await state.client.run('echo', operations);
      const after = await state.server.cpuNs();
      if (successful !== operations)
        throw new Error(`${successful} of ${operations} messages came back: ${lastError}`);
      state.messages += successful;
      return {
        successful,
        elapsedNs,
        metrics: {
          [SERVER_CPU]: { value: (after - before) / operations, unit: 'ns' },
          clientCpu: { value: cpuNs / operations, unit: 'ns' },
          clientBusy: { value: cpuNs / elapsedNs, unit: 'CPUs' },
        },
      };
    },
    check({ operations }) {
      const { messages } = held.get();
      return messages === operations ? undefined : `${messages} of ${operations} messages came back whole`;
    },
    teardown() {
      const state = held.take();
      state?.client[Symbol.dispose]();
      state?.server[Symbol.dispose]();
    },
  };
}

const RING = 'TcpListener';
const NET = 'node:net';

function group(connections: number, bytes: number): BatchGroup {
  const load = { connections, bytes };
  return {
    kind: 'batch',
    name: `echo-${connections}-${bytes}`,
    title: `Messages of ${bytes} bytes sent back over TCP, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    note: 'Each connection has one message under way; every byte that comes back is looked at. Server and client each have a process of their own; clientBusy near 1: the client is what is measured, and serverCpu says more.',
    cases: [
      echoCase({ name: RING, role: 'ours', note: 'a loop of awaited recv and send' }, load, () =>
        inNode('ring'),
      ),
      echoCase({ name: NET, role: 'peer', note: "'data' and write(), noDelay" }, load, () => inNode('net')),
      echoCase({ name: 'C epoll', role: 'limit' }, load, inC),
    ],
    // One connection is the price of the way there and back: nothing is promised.
    claims:
      connections === 1
        ? []
        : [
            { of: NET, against: RING, atLeast: 1 },
            { of: NET, against: RING, metric: SERVER_CPU, atLeast: 1 },
          ],
  };
}

export const echoes: readonly BatchGroup[] = [64, 4096].flatMap((bytes) =>
  [1, 32, 256].map((connections) => group(connections, bytes)),
);
