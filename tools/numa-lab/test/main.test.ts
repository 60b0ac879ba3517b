import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

function lab(...args: string[]) {
  const program = join(import.meta.dirname, '../src/main.ts');
  return spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', program, ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: '/nonexistent' },
  });
}

describe('the command', () => {
  it('tells what it can do', () => {
    const { status, stdout } = lab('--help');
    expect(status).toBe(0);
    for (const word of ['numa4', 'tiers', 'holes', 'counters', '--machine', '--json', '--keep'])
      expect(stdout).toContain(word);
  });

  it('ends with 2 where it is used wrongly', () => {
    const { status, stderr, stdout } = lab('--machine', 'cray');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^numa-lab: no machine "cray"/);
    expect(stdout).toBe('');
  });

  it('ends with 3 and says why where it cannot run', () => {
    const { status, stderr } = lab('--machine', 'holes', '--refresh');
    expect(status).toBe(3);
    expect(stderr).toMatch(/numa-lab: (no dpkg-deb here; .*Debian|the lab runs on Linux)/);
    expect(stderr).not.toContain('    at ');
  });
});
