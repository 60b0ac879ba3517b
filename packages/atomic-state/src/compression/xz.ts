// xz by xz-decompress: XZ Embedded in WebAssembly. It has no thread of its own, so it runs on the caller's, a piece at a time with a turn
// of the event loop between pieces.
import type { XzReadableStream } from 'xz-decompress';
import type { Tally } from './tally.ts';
import { turnOfTheLoop } from './turn.ts';
import { xzStreamAt } from './xz-streams.ts';

type Library = typeof XzReadableStream;
interface Module {
  readonly XzReadableStream: Library;
}

/** Codes of XZ Embedded, in the text of the library's errors. */
const XzCode = { OutOfMemory: 3, MemoryLimit: 4, Options: 6 } as const;

/** Pieces until whatever else the thread has to do gets its turn. Guessed: some 2 ms of work. */
const PIECES_A_TURN = 8;
const STREAMS_A_TURN = 8;
const PADDING_A_TURN = 1 << 20;

let library: Promise<Library> | undefined;
let libraryTurn: Promise<void> = Promise.resolve();

/** @throws what the import threw, where the library is not installed */
function load(): Promise<Library> {
  library ??= import('xz-decompress').then((module: Partial<Module> & { readonly default?: Module }) => {
    // CommonJS: whether Node finds the names in it is up to its lexer; the default is always there.
    const Stream = module.default?.XzReadableStream ?? module.XzReadableStream;
    if (Stream === undefined) throw new TypeError('XzReadableStream is not among its exports');
    return Stream;
  });
  return library;
}

/** Why it cannot be read here, or undefined. */
export async function xzUnavailable(): Promise<string | undefined> {
  try {
    await load();
    return undefined;
  } catch (error) {
    library = undefined;
    return `xz: the library xz-decompress does not load (${String(error)})`;
  }
}

export async function readXz(input: Uint8Array, tally: Tally): Promise<void> {
  const unavailable = await xzUnavailable();
  if (unavailable !== undefined) {
    tally.refuse('unsupported', unavailable);
    return;
  }
  const Stream = await load();
  const { maxWindowBytes } = tally.limits;
  tally.beginOutput();
  let at = 0;
  do {
    const stream = xzStreamAt(input, at, () => tally.inTime());
    if (stream === undefined) tally.refuse('corrupt', `no whole xz stream at byte ${at} of ${input.length}`);
    else if (stream.unsupported !== undefined) tally.refuse('unsupported', `xz: ${stream.unsupported}`);
    else if (stream.dictionaryBytes > maxWindowBytes)
      tally.refuse(
        'window too large',
        `a block asks for a dictionary of ${stream.dictionaryBytes} bytes, expected at most ${maxWindowBytes}`,
      );
    if (stream === undefined || !tally.member()) return;
    await inTurn(tally, () => inflateStream(Stream, input.subarray(at, stream.end), tally));
    at = await behindPadding(input, stream.end, tally);
    // Small streams end before their pieces have given a turn.
    if (tally.members % STREAMS_A_TURN === 0) await turnOfTheLoop();
  } while (at < input.length && !tally.isOver);
  if (!tally.isOver) tally.endOutput();
}

/** Streams are padded with zeros to multiples of 4 bytes. */
async function behindPadding(input: Uint8Array, from: number, tally: Tally): Promise<number> {
  let at = from;
  for (;;) {
    const stop = Math.min(at + PADDING_A_TURN, input.length);
    while (at < stop && input[at] === 0) at++;
    if (at < stop || at === input.length || !tally.inTime()) return at - ((at - from) & 3);
    await turnOfTheLoop();
  }
}

/**
 * The library has one WebAssembly instance a thread, and a lock around it that a stream gives up when it is cancelled, even where it has
 * never got it. So streams of this thread stand in a queue of their own and none is made before its turn.
 */
async function inTurn(tally: Tally, work: () => Promise<void>): Promise<void> {
  const before = libraryTurn;
  const mine = workAfter(before, tally, work);
  // Who comes next waits for both: this one may give up while it waits itself.
  libraryTurn = both(before, mine);
  await mine;
}

/** Without the values: each would hold the one before it. */
async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  await Promise.allSettled([one, other]);
}

async function workAfter(before: Promise<void>, tally: Tally, work: () => Promise<void>): Promise<void> {
  await Promise.race([before, over(tally)]);
  if (!tally.isOver) await work();
}

function over(tally: Tally): Promise<void> {
  return new Promise((resolve) => tally.onOver(resolve));
}

async function inflateStream(Stream: Library, input: Uint8Array, tally: Tally): Promise<void> {
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(input);
      controller.close();
    },
  });
  const reader = new Stream(source).getReader();
  const stopped = over(tally);
  let reading = reader.read();
  try {
    for (let pieces = 1; ; pieces++) {
      const next = await Promise.race([reading, stopped]);
      if (next === undefined || tally.isOver) break;
      if (next.done) return;
      if (next.value.length > 0) tally.take(next.value);
      else tally.inTime();
      if (pieces % PIECES_A_TURN === 0) await turnOfTheLoop();
      reading = reader.read();
    }
  } catch (error) {
    judge(error, tally);
    return;
  } finally {
    tally.onOver(undefined);
  }
  await cancel(reader, reading);
}

/**
 * The library must be at rest: cancelled while it begins, it leaves its context behind, and while it makes a piece, it would write into memory
 * of WebAssembly that it has given back. It makes one piece ahead of each read.
 */
async function cancel(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  reading: Promise<unknown>,
): Promise<void> {
  await Promise.allSettled([reading]);
  await turnOfTheLoop();
  await Promise.allSettled([reader.cancel()]);
}

function judge(error: unknown, tally: Tally): void {
  const code = Number(/error code (\d+)/.exec(String(error))?.[1]);
  if (error instanceof WebAssembly.RuntimeError || code === XzCode.OutOfMemory) tally.fail(error);
  else if (code === XzCode.MemoryLimit) tally.refuse('window too large', 'its dictionary is above 64 MiB');
  else if (code === XzCode.Options) tally.refuse('unsupported', 'xz: options that the decoder does not know');
  else tally.refuse('corrupt', String(error));
}
