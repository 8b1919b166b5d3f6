/**
 * Native allocations that fail inside Node: each becomes an error, none ends the process. Of the CPU's addon: the emulated
 * GPU's has a driver in it, whose allocations cannot be told from the engine's.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'circle-loss-refuse-'));
const refusing = join(folder, 'refuse.node');
const hasCompiler = process.platform === 'linux' && spawnSync('c++', ['--version']).status === 0;
const addon = join(root, 'build/Release/circle_cpu.node');

interface Line {
  name: string;
  allocations: number;
  right: number;
  ERR_CIRCLE_OUT_OF_MEMORY: number;
}

describe.skipIf(!hasCompiler || !existsSync(addon))('memory that is refused to an addon (needs a C++ compiler)', () => {
  beforeAll(() => {
    const headers = createRequire(import.meta.url)('node-api-headers').include_dir;
    const source = join(root, 'test/programs/refuse.cpp');
    const options = ['-std=c++17', '-O1', '-fPIC', '-shared', '-I', headers, source, '-o', refusing, '-ldl'];
    const { status, stderr } = spawnSync('c++', options, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('becomes ERR_CIRCLE_OUT_OF_MEMORY or the right result, whichever allocation it is', () => {
    const program = join(root, 'test/programs/refused-memory.mjs');
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, refusing, addon], {
      encoding: 'utf8',
      env: { ...process.env, LD_PRELOAD: refusing, CIRCLE_LOSS_CPU_ADDON: addon },
    });
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
    const lines: Line[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThanOrEqual(4);
    for (const { name, allocations, ERR_CIRCLE_OUT_OF_MEMORY: errors } of lines) {
      expect(allocations, name).toBeGreaterThanOrEqual(1);
      expect(allocations, name).toBeLessThan(100);
      expect(errors, name).toBeGreaterThanOrEqual(1);
    }
  });
});
