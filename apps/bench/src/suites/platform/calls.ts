// Cases that do one call a time: ours, a peer's, and the same in C.
import type { Answer } from '@corelane/platform';
import { NotMeasurableError } from '../../errors.ts';
import type { BatchCase } from '../../suite.ts';
import { Held } from '../state/held.ts';
import { RawProgram } from '../../raw-program.ts';

type Extras = Partial<Pick<BatchCase, 'against' | 'allocation' | 'note'>>;

/** The value of an answer; what this machine refuses or does not have is not measurable here. */
export function valueOf<T>(answer: Answer<T>): T {
  if (answer.status === 'verified') return answer.value;
  throw new NotMeasurableError(`${answer.status}: ${answer.reason}`);
}

/** What a case calls. */
export interface Callee {
  /** Once. True where the result is right. */
  readonly call: () => boolean;
  /** What is wrong with the state that the calls left, or undefined. */
  readonly check?: () => string | undefined;
  readonly close?: () => void;
}

/** @param open runs in `setup`; throws a NotMeasurableError where this machine cannot */
export function calling(
  name: string,
  role: BatchCase['role'],
  open: () => Callee | Promise<Callee>,
  extras: Extras = {},
): BatchCase {
  const held = new Held<Callee>();
  return {
    ...extras,
    name,
    role,
    async setup() {
      const callee = held.set(await open());
      if (!callee.call()) throw new Error('the first call did not give what it must');
    },
    batch(operations) {
      const { call } = held.get();
      let successful = 0;
      for (let operation = 0; operation < operations; operation++) if (call()) successful++;
      return successful;
    },
    check: () => held.get().check?.(),
    teardown: () => held.take()?.close?.(),
  };
}

export const empty: BatchCase = calling('empty', 'empty', () => ({ call: () => true }));

/** @param operation a name of native/*.c */
export function inC(name: string, operation: string, extras: Extras = {}): BatchCase {
  const held = new Held<{ readonly program: RawProgram; successful: number; checksum: number }>();
  return {
    ...extras,
    name,
    role: 'limit',
    bare: true,
    async setup() {
      const program = RawProgram.start();
      held.set({ program, successful: 0, checksum: 0 });
      await program.run(operation, 0); // a NotMeasurableError where it cannot be prepared
    },
    async batch(operations) {
      const state = held.get();
      const { elapsedNs, successful, checksum, lastError } = await state.program.run(operation, operations);
      if (successful !== operations)
        throw new Error(`${successful} of ${operations} succeeded in C: ${lastError}`);
      state.successful += successful;
      state.checksum += checksum;
      return { successful, elapsedNs };
    },
    check({ operations }) {
      const { successful, checksum } = held.get();
      return successful === operations && Number.isSafeInteger(checksum)
        ? undefined
        : `${successful} of ${operations} calls in C, checksum ${checksum}`;
    },
    teardown: () => held.take()?.program[Symbol.dispose](),
  };
}
