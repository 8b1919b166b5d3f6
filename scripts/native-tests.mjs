/**
 * Builds the native tests with CMake and runs them, in each flavour or in those that are named:
 *
 *   node scripts/native-tests.mjs [plain] [address] [thread] [neon] [cuda]
 *
 * `address` is AddressSanitizer with UndefinedBehaviorSanitizer, `thread` ThreadSanitizer, `neon` a cross-build for 64-bit
 * Arm that runs in an emulator, `cuda` the CUDA engine on an emulated GPU, with AddressSanitizer and
 * UndefinedBehaviorSanitizer. What the machine lacks is skipped by name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const arm = 'aarch64-linux-gnu';
const flavours = {
  plain: { needs: [], options: [] },
  address: { needs: [], options: ['-DCIRCLE_SANITIZE=address,undefined'] },
  thread: { needs: [], options: ['-DCIRCLE_SANITIZE=thread'] },
  neon: {
    needs: [`${arm}-g++`, 'qemu-aarch64'],
    options: [
      '-DCMAKE_SYSTEM_NAME=Linux',
      '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
      `-DCMAKE_CXX_COMPILER=${arm}-g++`,
      `-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/${arm}`,
    ],
  },
  cuda: {
    needs: [],
    options: [
      '-DCIRCLE_NATIVE_TESTS=OFF',
      '-DCIRCLE_EMULATOR=ON',
      '-DCIRCLE_EMULATOR_TESTS=ON',
      '-DCIRCLE_SANITIZE=address,undefined',
    ],
  },
};

const runs = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;

function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit' });
  return status === 0;
}

function test(name) {
  const { needs, options } = flavours[name];
  const missing = ['cmake', 'ctest', ...needs].filter((command) => !runs(command));
  if (!existsSync('/usr/include/doctest/doctest.h') && !process.env.doctest_DIR) missing.push('doctest');
  if (missing.length > 0) {
    console.error(`native-tests: ${name} is skipped: no ${missing.join(', ')}.`);
    return process.env.CI !== 'true';
  }
  const folder = `build/tests/${name}`;
  const generator = runs('ninja') ? ['-G', 'Ninja'] : [];
  const parallel = String(availableParallelism());
  return (
    run('cmake', '-S', '.', '-B', folder, '-DCMAKE_BUILD_TYPE=Release', ...generator, ...options) &&
    run('cmake', '--build', folder, '--parallel', parallel) &&
    run('ctest', '--test-dir', folder, '--output-on-failure', '--no-tests=error', '--parallel', parallel)
  );
}

const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(flavours);
const unknown = names.filter((name) => !(name in flavours));
if (unknown.length > 0) {
  console.error(`native-tests: ${unknown.join(', ')}: not one of ${Object.keys(flavours).join(', ')}.`);
  process.exit(1);
}
const failed = names.filter((name) => !test(name));
if (failed.length > 0) console.error(`native-tests: ${failed.join(', ')} failed.`);
process.exit(failed.length > 0 ? 1 : 0);
