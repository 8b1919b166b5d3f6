/**
 * Builds the native tests with CMake and runs them, in each flavour or in those that are named:
 *
 *   node scripts/native-tests.mjs [plain] [address] [thread] [neon] [cuda] [fuzz] [--seconds n]
 *
 * `address` is AddressSanitizer with UndefinedBehaviorSanitizer, `thread` ThreadSanitizer, `neon` a cross-build for 64-bit
 * Arm that runs in an emulator, `cuda` the CUDA engine on an emulated GPU, with AddressSanitizer and
 * UndefinedBehaviorSanitizer, `fuzz` the inputs of test/fuzz/corpus and then n seconds (60) of new ones, with Clang. What
 * the machine lacks is skipped by name.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

const arm = 'aarch64-linux-gnu';
const hasDoctest = () => existsSync('/usr/include/doctest/doctest.h') || process.env.doctest_DIR !== undefined;
/** Clang and its runtime library, which Debian packages apart. */
const canFuzz = () =>
  spawnSync('clang++', ['-x', 'c++', '-', '-fsanitize=fuzzer,address', '-o', '/dev/null'], {
    input: 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }',
  }).status === 0;

/** `needs`: commands. `lacks`: what else is missing, in words. */
const flavours = {
  plain: { needs: ['ctest'], options: ['-DCIRCLE_ENGINE_STEPS=ON'] },
  address: { needs: ['ctest'], options: ['-DCIRCLE_SANITIZE=address,undefined'] },
  thread: { needs: ['ctest'], options: ['-DCIRCLE_SANITIZE=thread'] },
  neon: {
    needs: ['ctest', `${arm}-g++`, 'qemu-aarch64'],
    options: [
      '-DCMAKE_SYSTEM_NAME=Linux',
      '-DCMAKE_SYSTEM_PROCESSOR=aarch64',
      `-DCMAKE_CXX_COMPILER=${arm}-g++`,
      `-DCMAKE_CROSSCOMPILING_EMULATOR=qemu-aarch64;-L;/usr/${arm}`,
      '-DCIRCLE_ONE_CALL=ON', // for `npm run accuracy`
    ],
  },
  cuda: {
    needs: ['ctest'],
    options: [
      '-DCIRCLE_NATIVE_TESTS=OFF',
      '-DCIRCLE_EMULATOR=ON',
      '-DCIRCLE_EMULATOR_TESTS=ON',
      '-DCIRCLE_SANITIZE=address,undefined',
    ],
  },
  fuzz: {
    needs: ['clang++'],
    options: ['-DCIRCLE_NATIVE_TESTS=OFF', '-DCIRCLE_FUZZ=ON', '-DCMAKE_CXX_COMPILER=clang++'],
    lacks: () => (canFuzz() ? [] : ["Clang's libFuzzer"]),
    run: fuzz,
  },
};
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' } },
});
const seconds = Number(values.seconds);

const runs = (command) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
const lacksDoctest = () => (hasDoctest() ? [] : ['doctest']);

// ThreadSanitizer waits a second at the end of each process, in case a thread that is left does something wrong then.
const env = { TSAN_OPTIONS: 'atexit_sleep_ms=100', ...process.env };

function run(command, ...args) {
  const { status } = spawnSync(command, args, { stdio: 'inherit', env });
  return status === 0;
}

function ctest(folder, parallel) {
  return run('ctest', '--test-dir', folder, '--output-on-failure', '--no-tests=error', '--parallel', parallel);
}

/** Inputs that it finds are kept beside the build, where the next run begins; an input that fails is named. */
function fuzz(folder) {
  const found = `${folder}/found`;
  const corpus = 'test/fuzz/corpus';
  mkdirSync(found, { recursive: true });
  // More bytes than a call is made of change nothing (test/fuzz/call_input.cpp).
  const options = [
    '-max_len=96',
    '-len_control=0',
    '-timeout=60',
    '-print_final_stats=1',
    `-artifact_prefix=${folder}/`,
  ];
  const command = [`${folder}/call_fuzzer`, `-max_total_time=${seconds}`, ...options, found, corpus];
  const { status, stderr } = spawnSync(command[0], command.slice(1), {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' },
  });
  if (status !== 0) {
    console.error(stderr.split('\n').slice(-120).join('\n'));
    return false;
  }
  const count = /number_of_executed_units: (\d+)/.exec(stderr)?.[1];
  const branches = [...stderr.matchAll(/ cov: (\d+) /g)].at(-1)?.[1];
  const inputs = readdirSync(corpus).length;
  console.log(`native-tests: fuzz: ${count} calls, ${inputs} of them of the corpus, reach ${branches} branches.`);
  return Number(count) > inputs;
}

function test(name) {
  const { needs, options, lacks = lacksDoctest, run: check = ctest } = flavours[name];
  const missing = ['cmake', ...needs].filter((command) => !runs(command));
  if (missing.length === 0) missing.push(...lacks());
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
    check(folder, parallel)
  );
}

const names = positionals.length > 0 ? positionals : Object.keys(flavours);
const unknown = names.filter((name) => !(name in flavours));
if (unknown.length > 0 || !(seconds > 0)) {
  console.error(
    `native-tests: ${[...unknown, ...(seconds > 0 ? [] : [`--seconds ${values.seconds}`])].join(', ')}: not one of ${Object.keys(flavours).join(', ')}, --seconds n.`,
  );
  process.exit(1);
}
const failed = names.filter((name) => !test(name));
if (failed.length > 0) console.error(`native-tests: ${failed.join(', ')} failed.`);
process.exit(failed.length > 0 ? 1 : 0);
