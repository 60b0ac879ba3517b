// V8 stops a thread at function entries and at the ends of loops. So between the CAS that takes something and the word of the journal that
// says so there must be neither: not in the source, and not in what the compiler makes of it.
import { expect, test } from 'vitest';
import { kernelBase64 } from '../src/kernel.generated.ts';
import { eventSeat } from '../src/layout.ts';
import { CALL, CALL_INDIRECT, I32_CAS, I32_STORE, I64_CAS, LOOP, operatorsOf } from './wasm-operators.ts';

const wasm = Buffer.from(kernelBase64, 'base64');

test.each([
  ['claimEvents', I64_CAS, 'claim'],
  ['publishEvents', I32_CAS, 'claim'],
  ['takeEvents', I64_CAS, 'take'],
  ['releaseEvents', I32_CAS, 'take'],
  ['abandonClaim', I32_CAS, 'claim'],
] as const)('%s: a thread cannot be stopped between its CAS and its journal', (name, cas, journal) => {
  const operators = operatorsOf(wasm, name);
  const swaps = operators.flatMap(({ code }, at) => (code === cas ? [at] : []));
  expect(swaps.length).toBeGreaterThan(0);
  for (const from of swaps) {
    const written = operators.findIndex(
      ({ code, offset }, at) => at > from && code === I32_STORE && offset === eventSeat.offset[journal],
    );
    expect(written).toBeGreaterThan(from);
    const between = operators.slice(from, written).map(({ code }) => code);
    expect(between.filter((code) => code === LOOP || code === CALL || code === CALL_INDIRECT)).toEqual([]);
  }
});

test('what is between would be found', () => {
  // A call follows the journal of an abandoned slot that takeEvents passes by, and each claim asks its endpoint by one.
  for (const name of ['takeEvents', 'claimEvents'])
    expect(operatorsOf(wasm, name).some(({ code }) => code === CALL)).toBe(true);
});
