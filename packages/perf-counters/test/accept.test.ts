import { expect, test } from 'vitest';
import { contentTypeFor } from '../src/index.ts';

const TEXT = 'text/plain; version=0.0.4; charset=utf-8';
const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

test.each([
  // Prometheus 2 and 3, curl, a browser.
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    OPEN,
  ],
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2',
    OPEN,
  ],
  ['text/plain;version=0.0.4;q=0.8, application/openmetrics-text; version="1.0.0"; q=0.2', TEXT],
  ['*/*', TEXT],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', TEXT],
  [undefined, TEXT],
  ['', TEXT],
  ['image/png', TEXT],
  ['application/openmetrics-text', OPEN],
  ['APPLICATION/OpenMetrics-Text', OPEN],
  ['application/openmetrics-text;version=2.0.0', TEXT],
  ['application/openmetrics-text;q=0, */*;q=0.1', TEXT],
  ['text/plain;q=0, */*;q=0.1', OPEN],
  ['application/*;q=0.9, text/*;q=0.8', OPEN],
  ['application/openmetrics-text;q=nonsense', TEXT],
  [',;,=;q', TEXT],
  [`${'text/html,'.repeat(20)}application/openmetrics-text`, OPEN],
  [`${','.repeat(100_000)}application/openmetrics-text`, TEXT],
])('%s is answered with what it weighs most', (accept, expected) => {
  expect(contentTypeFor(accept)).toBe(expected);
});
