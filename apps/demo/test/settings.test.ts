import { describe, expect, it } from 'vitest';
import { SettingError } from '../src/errors.ts';
import { Gateway } from '../src/gateway/gateway.ts';
import { settingsOf } from '../src/gateway/options.ts';

const UPSTREAM = 'http://127.0.0.1:9';

const WRONG: readonly (readonly [options: Record<string, unknown>, message: string])[] = [
  [{ breaker: { failureThreshold: 0 } }, 'failureThreshold is 0, expected an integer from 1 to 96'],
  [{ breaker: { failureThreshhold: 3 } }, 'failureThreshhold is no option'],
  [{ limits: { 'github/push': { burst: 256 } } }, 'burst is 256, expected an integer from 1 to 255'],
  [{ breaker: { capacity: 4 } }, 'breaker.capacity is 4, expected nothing: deliveriesPerWorker'],
  [{ eventCapacity: 0 }, 'eventCapacity is 0, expected an integer from 1 to 262144'],
  [{ limits: { push: {} } }, 'a name in limits is "push", expected source/event'],
  [{ workers: 0 }, 'workers is 0, expected an integer from 1 to 64'],
  [{ checkThreads: 1.5 }, 'checkThreads is 1.5, expected an integer from 1 to 64'],
  [{ port: 65_536 }, 'port is 65536, expected an integer from 0 to 65535'],
  [{ host: '' }, 'host is "", expected a text that is not empty'],
  [{ reusePort: 1 }, 'reusePort is 1, expected true or false'],
  [{ upstream: 'ftp://here' }, 'upstream is "ftp://here", expected the origin of an HTTP server'],
  [{ upstream: 'http://here/path' }, 'upstream is "http://here/path", expected the origin'],
  [{ sources: { github: { secret: '' } } }, 'sources.github.secret is "", expected a text'],
  [{ sources: { GitHub: { secret: 'x' } } }, 'a name in sources is "GitHub"'],
  [{ sources: [] }, 'sources is [], expected an object'],
  [{ inflate: { maxRatio: -1 } }, 'inflate.maxRatio is -1, expected a cap of the guard'],
  [{ inflate: { maxRation: 1 } }, 'a name in inflate is "maxRation", expected one of'],
  [{ unfinishedShare: 0 }, 'unfinishedShare is 0, expected a number above 0, at most 1'],
  [{ breakers: 'none' }, 'breakers is "none", expected shared or per-worker'],
  [{ deliveryTimeoutMs: Number.NaN }, 'deliveryTimeoutMs is NaN, expected an integer'],
  [
    { buffers: 65_536, maxBodyBytes: 65_536 },
    'buffers × maxBodyBytes is 4294967296, expected at most 1073741824',
  ],
  [{ worker: 2 }, 'option is "worker", expected one of port, host, workers'],
];

describe('settings that will not do', () => {
  it.each(WRONG)('%j', (options, message) => {
    const start = (): unknown => settingsOf({ upstream: UPSTREAM, ...options }, 2);
    expect(start).toThrow(SettingError);
    expect(start).toThrow(message);
  });

  it('are said when the gateway starts, before anything is made', async () => {
    const starting = Gateway.start({ upstream: UPSTREAM, breaker: { resetTimeout: -1 } });
    await expect(starting).rejects.toMatchObject({ code: 'ERR_SETTING' });
    await expect(starting).rejects.toThrow('resetTimeout is -1, expected an integer from 1 to 86400000');
  });
});

it('the settings of the demo will do', () => {
  expect(settingsOf({ upstream: UPSTREAM }, 2)).toMatchObject({ workers: 2, unfinishedPerWorker: 64 });
});
