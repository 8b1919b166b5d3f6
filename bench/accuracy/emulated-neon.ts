/**
 * Engine `cpu` of 64-bit Arm, where this machine is another: each call is a process of bench/native/one_call in an
 * emulator. `node scripts/native-tests.mjs neon` builds it; where it is not, there is no such engine.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { CpuModule, NativeSession } from '../../lib/native.ts';
import { openCpu } from '../../lib/native-engine.ts';
import type { ListedEngine } from '../../test/engine-list.ts';

const program = fileURLToPath(new URL('../../build/tests/neon/one_call', import.meta.url));
const emulator = ['qemu-aarch64', '-L', '/usr/aarch64-linux-gnu'] as const;

const bytesOf = (array: ArrayBufferView | undefined) =>
  array ? new Uint8Array(array.buffer, array.byteOffset, array.byteLength) : new Uint8Array();

function unavailable(): never {
  throw new Error('An emulated engine has losses only.');
}

const compute: NativeSession['compute'] = (request, report, anchors, labels, candidates, ...rest) => {
  const [candidateLabels, upstream, anchorLosses, gradient, candidateGradient] = rest;
  if (candidateLabels || upstream || !gradient || (candidates && !(candidates instanceof Float32Array))) unavailable();
  const lengths = Float64Array.of(anchors.length, labels.length, candidates?.length ?? 0);
  const [command, ...args] = [...emulator, program, 'neon'];
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    input: Buffer.concat([request, lengths, anchors, labels, candidates].map(bytesOf)),
    maxBuffer: 2 ** 30,
  });
  if (status !== 0) throw error ?? new Error(`${program}: ${stderr}`);
  let from = 0;
  for (const array of [report, anchorLosses, gradient, candidateGradient].map(bytesOf)) {
    array.set(stdout.subarray(from, from + array.length));
    from += array.length;
  }
  if (from !== stdout.length) throw new Error(`${program} must answer with ${from} bytes; it has ${stdout.length}.`);
  return report[0];
};

class Session implements NativeSession {
  compute = compute;
  computeAsync = unavailable;
  similarity = unavailable;
  similarityAsync = unavailable;
  nearest = unavailable;
  nearestAsync = unavailable;
  rank = unavailable;
  rankAsync = unavailable;
  release = () => {};
  workspaceBytes = () => 0;
}

const module = { variants: ['neon'], Session } as unknown as CpuModule;
const canRun = existsSync(program) && spawnSync(emulator[0], ['--version']).status === 0;

export const neonEngines: readonly ListedEngine[] = canRun
  ? [{ name: 'cpu neon', open: () => openCpu(module, 'neon') }]
  : [];
