import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { runFixture } from './run-bench.ts';

const schema = JSON.parse(readFileSync(new URL('../report.schema.json', import.meta.url), 'utf8')) as object;
const validate = new Ajv({ allErrors: true, allowUnionTypes: true }).compile(schema);

describe('the JSON document', { timeout: 60_000 }, () => {
  test.each(['fine', 'throwing', 'allocating', 'scenario', 'crashing', 'lacking'])(
    'of the suite %s has the shape of report.schema.json',
    async (suite) => {
      const { document, stdout } = await runFixture(suite, '--quick');
      validate(document);
      expect(validate.errors).toBeNull();
      expect(stdout.trimStart().startsWith('{')).toBe(true);
      expect(document.profile.seed).toBe(42);
    },
  );

  test('does not fit the schema with a field too many or too few', async () => {
    const { document } = await runFixture('fine', '--quick');
    expect(validate({ ...document, extra: 1 })).toBe(false);
    const { verdict: _, ...rest } = document;
    expect(validate(rest)).toBe(false);
  });
});
