/**
 * Parks and resumes another worker in the middle of its JavaScript, through V8's interrupt. Experimental.
 * What the native side does, and why it is safe with terminate(): native/PROTOCOL.md.
 *
 * A parked worker keeps whatever it holds, locks of lock-free's mutex among them: who parks a worker must not wait for anything of it.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { type Answer, type Refused, type Unsupported, refused, unsupported, verified } from '../answer.ts';
import { PlatformOptionError } from '../errors.ts';
import { ENDINGS, PHASES, STATE } from './native-interrupt.ts';
import { type NativeAddon, loadNative } from '../native.ts';
import { type ParkOptions, type ParkTimes, readTimes } from './park-options.ts';
import { type ParkClaim, type ParkTicket, readTicket, strayTicket } from './park-ticket.ts';

/** What `park` answers. Plain data, and a ticket: resuming with it ends this park only. */
export interface Parked extends ParkClaim {
  /** From the request until the worker stood still. */
  readonly latencyNs: number;
}

export interface Resumed {
  /** It stood still until now. `false`: its time-out was first, somebody else was, or it was never parked. */
  readonly wasParked: boolean;
  /** How long it stood. `null`: that park is over, and there was another since. */
  readonly parkedNs: number | null;
  /** How that park ended. `withdrawn`: it was only asked for until now. `null`: not known, for there was another since, or none yet. */
  readonly ended: (typeof ENDINGS)[number];
}

export interface ParkState {
  /** `requested`: somebody waits for it to stand still. */
  readonly phase: (typeof PHASES)[number];
  /** Number of the park, from 1; 0 before the first. While running: of the last one. */
  readonly park: number;
  /** How long it has been parked, or was the last time. */
  readonly parkedNs: number;
  /** Until it resumes by itself. */
  readonly leftNs: number;
  /** How the last park ended; `null` where none has. */
  readonly ended: (typeof ENDINGS)[number];
}

/** A worker that runs JavaScript stands still after some microseconds. Asked later: its event loop may idle. Guessed. */
const WAKE_AFTER_NS = 500_000;
/** So long `parkAsync` looks at each turn of the event loop, and then by timers. Guessed. */
const BUSY_NS = 200_000;
/** Longest pause between two looks of `parkAsync`. Guessed. */
const MAX_PAUSE_MS = 8;

/** Of this thread: the native functions write the state of a slot here. */
const state = new Float64Array(STATE.length);

/**
 * Parks the worker of `ticket`, and returns once it stands still. Blocks the calling thread for `requestTimeoutMs` at most.
 * The worker resumes at `resume`, after `timeoutMs`, or when its environment stops (terminate(), process.exit()).
 *
 * `refused`: ETIMEDOUT (it did not come to a safe point: a long native call; the request is withdrawn, and will not park it later), EBUSY (it is parked
 * or being parked: one at a time, and this call changed nothing), ESRCH (its registration is over), EDEADLK (it is the caller),
 * ECANCELED (somebody resumed it before this call saw it stand).
 * @throws ParkTicketError, PlatformOptionError
 */
export function park(ticket: ParkTicket, options?: Omit<ParkOptions, 'signal'>): Answer<Parked> {
  const times = readTimes(options);
  if (options !== undefined && 'signal' in options)
    throw new PlatformOptionError('signal', 'park blocks its thread and cannot hear it; use parkAsync');
  const request = open(ticket, times);
  if ('status' in request) return request;
  const { addon, claim, requestNs } = request;
  const first = Math.min(WAKE_AFTER_NS, requestNs);
  let result = addon.parkAwait(claim.slot, claim.generation, claim.park, first, state);
  if (result >= 0 && isOpen(claim)) {
    addon.parkWake(claim.slot, claim.generation);
    result = addon.parkAwait(claim.slot, claim.generation, claim.park, requestNs - first, state);
  }
  return settle(request, result);
}

/**
 * As `park`, without blocking the event loop of the caller.
 * @throws rejects with `signal.reason`; the worker is not parked then, or resumes at once
 */
export async function parkAsync(ticket: ParkTicket, options?: ParkOptions): Promise<Answer<Parked>> {
  const times = readTimes(options);
  const signal = options?.signal;
  signal?.throwIfAborted();
  const request = open(ticket, times);
  if ('status' in request) return request;
  const { addon, claim, requestNs } = request;
  const asked = performance.now();
  const ends = asked + requestNs / 1e6;
  // Nobody else can say when it stands still: the worker itself is in V8, and what waits here is this event loop.
  let pauseMs = 0;
  let result: number;
  for (;;) {
    result = addon.parkState(claim.slot, claim.generation, state);
    const now = performance.now();
    if (result < 0 || !isOpen(claim) || now >= ends) break;
    if (pauseMs === 0 && now - asked > BUSY_NS / 1e6) {
      addon.parkWake(claim.slot, claim.generation);
      pauseMs = 1;
    }
    await (pauseMs === 0 ? setImmediate() : setTimeout(Math.min(pauseMs, ends - now)));
    if (signal?.aborted === true) {
      addon.parkResume(claim.slot, claim.generation, claim.park, state);
      throw signal.reason;
    }
    if (pauseMs > 0) pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS);
  }
  return settle(request, result);
}

/**
 * Ends a park: with what `park` answered that park only, with a ticket whichever there is. A request that is still open is withdrawn.
 * Does not wait for the worker to run. Where the worker is not parked the answer says so, and nothing changes.
 */
export function resume(ticket: ParkTicket | ParkClaim): Answer<Resumed> {
  const found = reach('resume', ticket);
  if ('status' in found) return found;
  const { addon, claim } = found;
  const result = addon.parkResume(claim.slot, claim.generation, claim.park, state);
  if (result < 0) return refuse('resume', claim, result);
  const known = claim.park === 0 || claim.park === state[STATE.park];
  return verified({
    wasParked: result === 1,
    parkedNs: known ? state[STATE.parkedNs]! : null,
    ended: known ? ENDINGS[state[STATE.ended]!]! : null,
  });
}

/** What the worker of `ticket` is doing. */
export function parkState(ticket: ParkTicket): Answer<ParkState> {
  const found = reach('parkState', ticket);
  if ('status' in found) return found;
  const { addon, claim } = found;
  const result = addon.parkState(claim.slot, claim.generation, state);
  if (result < 0) return refuse('parkState', claim, result);
  return verified({
    phase: PHASES[state[STATE.phase]!]!,
    park: state[STATE.park]!,
    parkedNs: state[STATE.parkedNs]!,
    leftNs: state[STATE.leftNs]!,
    ended: ENDINGS[state[STATE.ended]!]!,
  });
}

/** Whether the worker stands still; with what `park` answered, whether it does by that park. `false` for a worker that is gone. */
export function isParked(ticket: ParkTicket | ParkClaim): boolean {
  const { park: wanted } = readTicket(ticket);
  const answer = parkState(ticket);
  if (answer.status !== 'verified') return false;
  return answer.value.phase === 'parked' && (wanted === 0 || wanted === answer.value.park);
}

interface Reached {
  readonly addon: NativeAddon;
  readonly claim: ParkClaim;
}

interface Request extends Reached {
  readonly requestNs: number;
}

function reach(call: string, ticket: ParkTicket): Reached | Refused | Unsupported {
  const claim = readTicket(ticket);
  const { addon, reason } = loadNative();
  if (addon === null) return unsupported(`parking a worker needs the addon: ${reason}; there is no fallback`);
  return strayTicket(call, claim) ?? { addon, claim };
}

function open(ticket: ParkTicket, { timeoutNs, requestNs }: ParkTimes): Request | Refused | Unsupported {
  const found = reach('park', ticket);
  if ('status' in found) return found;
  const { addon, claim } = found;
  const number = addon.parkRequest(claim.slot, claim.generation, timeoutNs, requestNs);
  if (number < 0) return refuse('park', claim, number);
  return { addon, claim: { ...claim, park: number }, requestNs };
}

/** Whether `state` says that this request is neither answered nor withdrawn. */
function isOpen(claim: ParkClaim): boolean {
  return PHASES[state[STATE.phase]!] === 'requested' && state[STATE.park] === claim.park;
}

/** The answer to a request, which is withdrawn where it is still open. `result`: of the last native call, which filled `state`. */
function settle({ addon, claim, requestNs }: Request, result: number): Answer<Parked> {
  let last = result;
  const late = last >= 0 && isOpen(claim);
  // It may stand still by now: whoever has the slot's mutex first decides.
  if (late) last = addon.parkWithdraw(claim.slot, claim.generation, claim.park, state);
  if (last < 0) return refuse('park', claim, last);
  const mine = state[STATE.park] === claim.park;
  if (mine && PHASES[state[STATE.phase]!] === 'parked')
    return verified({ ...claim, latencyNs: state[STATE.latencyNs]! });
  const ended = mine ? ENDINGS[state[STATE.ended]!] : null;
  const on = `park of slot ${claim.slot}`;
  if ((late && ended === 'withdrawn') || ended === 'expired')
    return {
      status: 'refused',
      errno: 'ETIMEDOUT',
      reason:
        `${on}: the worker did not come to a safe point in ${requestNs / 1e6} ms; it may be in a long native call, ` +
        'or its process have no CPU for it. The request is withdrawn',
    };
  if (ended === 'timed-out')
    return {
      status: 'refused',
      errno: 'ETIMEDOUT',
      reason: `${on}: the worker stood still for ${state[STATE.parkedNs]! / 1e6} ms, and its time-out was over before this thread saw it`,
    };
  if (ended === 'stopping')
    return { status: 'refused', errno: 'ESRCH', reason: `${on}: the worker is stopping` };
  return { status: 'refused', errno: 'ECANCELED', reason: `${on}: another thread resumed it first` };
}

const HINTS: Readonly<Record<string, string>> = {
  ESRCH: 'that registration is over: the worker has ended or disposed it',
  EBUSY: 'it is parked or being parked by somebody, and this call changed nothing',
  EDEADLK: 'it is the calling thread',
};

function refuse(call: string, { slot, generation }: ParkTicket, result: number): Refused | Unsupported {
  const answer = refused(`${call} of slot ${slot}, generation ${generation},`, result);
  const hint = answer.status === 'refused' ? HINTS[answer.errno ?? ''] : undefined;
  return hint === undefined ? answer : { ...answer, reason: `${answer.reason}: ${hint}` };
}
