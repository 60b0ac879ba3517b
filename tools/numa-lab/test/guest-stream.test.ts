import { describe, expect, it } from 'vitest';
import { GuestStream } from '../src/guest-stream.ts';

const HELLO = { event: 'hello', protocol: 1, node: '26.0.0', kernel: '6.1', addon: 'loaded', tests: 1 };
const RESULT = {
  event: 'result',
  suite: 's',
  test: 't',
  asked: 'a',
  readBack: 'ü ≥ 1',
  verdict: 'passed',
  durationMs: 3,
};

const feed = (text: string) => new GuestStream().push(Buffer.from(text));

describe('GuestStream', () => {
  it('gives the same events wherever the bytes are cut, within a character too', () => {
    const bytes = Buffer.from(`${JSON.stringify(HELLO)}\r\n\n${JSON.stringify(RESULT)}\n`);
    for (let cut = 0; cut <= bytes.byteLength; cut++) {
      const stream = new GuestStream();
      const events = [...stream.push(bytes.subarray(0, cut)), ...stream.push(bytes.subarray(cut))];
      expect(events).toEqual([HELLO, RESULT]);
      expect(stream.unfinished).toBe('');
    }
  });

  it('keeps what came after the last line end', () => {
    const stream = new GuestStream();
    expect(stream.push(Buffer.from('{"event":"end"}\n{"event":'))).toEqual([{ event: 'end' }]);
    expect(stream.unfinished).toBe('{"event":');
  });

  it.each([
    ['[    1.2] BUG: soft lockup', 'is not JSON'],
    ['7', 'is no object'],
    ['{"event":"toString"}', 'has no known event'],
    ['{"event":"exit"}', 'has status: undefined, expected number'],
    [JSON.stringify({ ...HELLO, protocol: 2 }), 'speaks protocol 2, expected 1'],
    [JSON.stringify({ ...RESULT, verdict: 'fine' }), 'has verdict "fine", expected passed or failed'],
  ])('refuses %s', (line, why) => {
    expect(() => feed(`${line}\n`)).toThrow(
      expect.objectContaining({ code: 'ERR_LAB_PROTOCOL', message: expect.stringContaining(why) }),
    );
  });

  it('refuses a line without end', () => {
    const stream = new GuestStream();
    expect(() => {
      for (let i = 0; i < 20; i++) stream.push(Buffer.alloc(1 << 16, 0x20));
    }).toThrow(expect.objectContaining({ code: 'ERR_LAB_PROTOCOL' }));
  });
});
