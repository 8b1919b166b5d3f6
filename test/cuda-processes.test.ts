/** Engine 'cuda' as processes of their own see it: why it cannot run, what it holds, several devices, one that is full. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { engines } from '../lib/index.ts';
import { cudaEngines } from './engine-list.ts';

const hasCuda = cudaEngines.length > 0;
const needs = '(needs circle_cuda.node and a GPU, or `node scripts/emulator-build.mjs`)';

const program = fileURLToPath(new URL('programs/cuda.mjs', import.meta.url));

/** What a process of its own says; of the built package, which workers can load. */
function run(scenario: string, env: Record<string, string> = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ['--expose-gc', program, scenario], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
    timeout: 60_000,
  });
  if (status !== 0 || stderr !== '') throw new Error(`${status ?? signal} ${stderr}`);
  return JSON.parse(stdout);
}

/** Only the emulated driver can be told to fail. */
const isEmulated = hasCuda && engines()[0].devices![0].name.toLowerCase().includes('emulat');
const needsEmulator = '(needs `node scripts/emulator-build.mjs`)';

describe.skipIf(!isEmulated)(`where CUDA cannot run ${needsEmulator}`, () => {
  it.each<[string, string, RegExp]>([
    [
      'none',
      'no driver',
      /^engine 'cuda' must be able to run; received no NVIDIA driver\. Install one, or use engine 'cpu' or 'auto'\.$/,
    ],
    [
      'old',
      'an old driver',
      /^engine 'cuda' must be able to run; received a driver that supports CUDA \d+\.\d, where \d+\.\d is needed\. Update the NVIDIA driver, or use engine 'cpu' or 'auto'\.$/,
    ],
    [
      'no-device',
      'no device',
      /^engine 'cuda' must be able to run; received no CUDA device\. See what `nvidia-smi` lists and whether CUDA_VISIBLE_DEVICES hides it, or use engine 'cpu' or 'auto'\.$/,
    ],
    [
      'broken',
      'a driver that does not start',
      /^engine 'cuda' must be able to run; received cudaError\w+: .+\. See whether `nvidia-smi` works, mend the driver, or use engine 'cpu' or 'auto'\.$/,
    ],
  ])('%s: %s', (driver, _, pattern) => {
    const env = { CIRCLE_EMULATOR_DRIVER: driver };
    const { info, named, session, matrix, pinned, cpu } = run('ask', env);
    expect(info).toEqual({ name: 'cuda', available: false, reason: expect.stringMatching(pattern) });
    const refusal = { code: 'ERR_CIRCLE_CUDA_UNAVAILABLE', message: info.reason };
    expect([named, session, matrix, pinned]).toEqual([refusal, refusal, refusal, refusal]);
    expect(cpu).toBe('cpu');
    expect(run('auto', env)).toBe('cpu');
  });
});

describe.skipIf(!hasCuda)(`where CUDA runs ${needs}`, () => {
  it('every way to ask for it succeeds', () => {
    const { info, ...found } = run('ask');
    const device = { name: expect.any(String), computeCapability: expect.stringMatching(/^\d+\.\d$/) };
    const devices = info.devices.map(() => ({ ...device, memoryBytes: expect.any(Number) }));
    expect(info).toEqual({ name: 'cuda', available: true, variant: 'tensor', variants: ['tensor', 'ffma'], devices });
    expect(devices.length).toBeGreaterThan(0);
    expect(found).toEqual({ named: 'cuda', session: 'opened', matrix: 10, pinned: 3, cpu: 'cpu' });
    expect(run('end')).toEqual({ finite: true });
  });

  it('the environment chooses its multiply-adds', () => {
    expect(run('ask', { CIRCLE_LOSS_CUDA_VARIANT: 'ffma' }).info.variant).toBe('ffma');
    const { info, named } = run('ask', { CIRCLE_LOSS_CUDA_VARIANT: 'wgmma' });
    const message = "CIRCLE_LOSS_CUDA_VARIANT must be one of tensor, ffma on this machine; received 'wgmma'.";
    expect(info).toMatchObject({ available: false, reason: message });
    expect(named).toEqual({ code: 'ERR_CIRCLE_INVALID_ARGUMENT', message });
  });

  it('a named binary that does not load is never passed over, once a call is worth a GPU', () => {
    const env = { CIRCLE_LOSS_CUDA_ADDON: '/nowhere/circle_cuda.node' };
    expect(run('auto', env)).toEqual({
      code: 'ERR_CIRCLE_NATIVE_LOAD',
      message:
        'CIRCLE_LOSS_CUDA_ADDON must be the path of a native binary that loads; received /nowhere/circle_cuda.node: no such file. Name another, or unset it.',
    });
  });

  it('the device gets its memory back: from the collector, from dispose, from threads however they end', () => {
    expect(run('collected')).toEqual({ grew: true, left: 0 });
    expect(run('disposed')).toEqual({ left: 0 });
    expect(run('workers')).toEqual({ same: true, left: 0 });
    expect(run('terminated')).toEqual({ left: 0 });
  });
});

describe.skipIf(!isEmulated)(`two devices ${needsEmulator}`, () => {
  it('compute each with matrices of its own', () => {
    expect(run('devices', { CIRCLE_EMULATOR_DEVICES: '2' })).toEqual({
      count: 2,
      same: true,
      refused: {
        code: 'ERR_CIRCLE_INVALID_ARGUMENT',
        message:
          'classWeights must be on device 0, which computes; received a DeviceMatrix on device 1. Set options.device to 1.',
      },
    });
  });
});

describe.skipIf(!isEmulated)(`a device that is full ${needsEmulator}`, () => {
  it('says so, with a remedy, and goes on', () => {
    expect(run('memory', { CIRCLE_EMULATOR_MEMORY: String(2 ** 21) })).toEqual({
      matrix: {
        code: 'ERR_CIRCLE_OUT_OF_MEMORY',
        message:
          'Device memory must be enough for a DeviceMatrix of 262144 × 16 numbers; received a failed allocation. Dispose of other matrices, or keep fewer rows on the device.',
      },
      loss: {
        code: 'ERR_CIRCLE_OUT_OF_MEMORY',
        message:
          "Device memory must be enough for 4000 × 4000 pairs of dim 256; received a failed allocation. Lower workspaceLimit, compute fewer rows a call, or use engine 'cpu'.",
      },
      after: 'cuda',
    });
  });
});
