// A receiver of OTLP over HTTP, as JSON: what an exporter sends is kept, decoded.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

interface KeyValue {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface BasePoint {
  readonly attributes: readonly KeyValue[];
  readonly startTimeUnixNano: string;
  readonly timeUnixNano: string;
}

export interface NumberPoint extends BasePoint {
  readonly asInt?: number;
  readonly asDouble?: number;
}

export interface HistogramPoint extends BasePoint {
  readonly count: number;
  readonly sum: number;
  readonly min?: number;
  readonly max?: number;
  readonly bucketCounts: readonly number[];
  readonly explicitBounds: readonly number[];
}

export interface ExponentialPoint extends BasePoint {
  readonly count: number;
  readonly sum: number;
  readonly min?: number;
  readonly max?: number;
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: { readonly offset: number; readonly bucketCounts: readonly number[] };
}

interface Data<T> {
  /** 1 delta, 2 cumulative. */
  readonly aggregationTemporality: number;
  readonly isMonotonic?: boolean;
  readonly dataPoints: readonly T[];
}

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly sum?: Data<NumberPoint>;
  readonly gauge?: Data<NumberPoint>;
  readonly histogram?: Data<HistogramPoint>;
  readonly exponentialHistogram?: Data<ExponentialPoint>;
}

export interface OtlpRequest {
  readonly resourceMetrics: readonly {
    readonly resource: { readonly attributes: readonly KeyValue[] };
    readonly scopeMetrics: readonly {
      readonly scope: { readonly name: string; readonly version?: string };
      readonly metrics: readonly OtlpMetric[];
    }[];
  }[];
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly requests: OtlpRequest[];
  /** Answers with this status from now on; 200 before. */
  answerWith(status: number): void;
  /** The metrics of the last request, by name. */
  last(): Map<string, OtlpMetric>;
}

export async function startReceiver(): Promise<Receiver> {
  const requests: OtlpRequest[] = [];
  let status = 200;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await bodyOf(request);
    if (status === 200) requests.push(JSON.parse(body) as OtlpRequest);
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`,
    requests,
    answerWith: (next) => (status = next),
    last: () => new Map(metricsOf(requests.at(-1)).map((metric) => [metric.name, metric])),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function metricsOf(request: OtlpRequest | undefined): OtlpMetric[] {
  return (request?.resourceMetrics ?? []).flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) => metrics),
  );
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export function attributesOf(point: BasePoint): Record<string, unknown> {
  return Object.fromEntries(
    point.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
  );
}
