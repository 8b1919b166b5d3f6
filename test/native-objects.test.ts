/** What the linker sees of the native engine: nothing that an older CPU or an older system could not run. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const release = fileURLToPath(new URL('../build/Release', import.meta.url));
const addon = join(release, 'circle_cpu.node');
const objects = join(release, 'obj.target/circle_cpu/native/cpu');
const variants = existsSync(objects) ? readdirSync(objects).filter((name) => /^kernels_.*\.o$/.test(name)) : [];

/** Lines of output, or undefined where there is no such command. */
function output(command: string, ...args: string[]): string[] | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n').filter((line) => line !== '') : undefined;
}

const hasBinutils = process.platform === 'linux' && output('nm', '--version') && output('objdump', '--version');

describe.skipIf(!hasBinutils || variants.length === 0)('objects of instruction sets (needs nm, node-gyp build)', () => {
  it.each(variants)('%s shares no function that the linker could choose for an older CPU', (name) => {
    const symbols = output('nm', join(objects, name))!.map((line) => line.slice(17));
    expect(symbols.filter((symbol) => /^[VWuvw] /.test(symbol))).toEqual([]);
  });

  it('each hold their own table of kernels and no other symbol', () => {
    for (const name of variants) {
      const own = name.slice('kernels_'.length, -'.o'.length);
      const defined = output('nm', '--defined-only', '--extern-only', '--demangle', join(objects, name))!;
      // None where the instruction set is of another CPU.
      expect(defined.map((line) => line.slice(19))).toEqual(defined.map(() => `circle::cpu::kernels_${own}`));
      expect(defined.length).toBeLessThanOrEqual(1);
    }
  });
});

describe.skipIf(!hasBinutils || !existsSync(addon))('circle_cpu.node (needs objdump, node-gyp build)', () => {
  it('exports what Node-API looks for, and nothing else', () => {
    const exported = output('nm', '--dynamic', '--defined-only', addon)!.map((line) => line.slice(19));
    expect(exported.sort()).toEqual(['napi_register_module_v1', 'node_api_module_get_api_version_v1']);
  });

  it('needs no glibc beyond 2.32, whatever this machine has', () => {
    const versions = output('objdump', '-T', addon)!.flatMap((line) => line.match(/\(GLIBC_2\.(\d+)/)?.[1] ?? []);
    expect(versions).not.toEqual([]);
    expect(Math.max(...versions.map(Number))).toBeLessThanOrEqual(32);
  });
});
