/**
 * `node killed-save.mjs <path> <n>`: saves a class head of ones to `path`, then one of twos, and is killed just before the
 * n-th operation on files of the second save, whichever function of Node it is. Where there is no n-th one it prints them all.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { createClassHead } from '../../dist/index.mjs';

const [path, moment] = process.argv.slice(2);
const [classes, dim] = [8, 4];
const [older, newer] = [1, 2].map((number) =>
  createClassHead({
    classes,
    dim,
    pairLoss: { type: 'circle' },
    optimizer: { type: 'adam', learningRate: 0.01 },
    weights: new Float32Array(classes * dim).fill(number),
    engine: 'reference',
  }),
);
await older.save(path);

const operations = [];

/** The operation, with what it says of paths and flags; a kill leaves the files as those before it have made them. */
const watched = (name, operation) =>
  function (...args) {
    operations.push([name, ...args.filter((argument) => typeof argument === 'string')]);
    if (operations.length - 1 === Number(moment)) process.kill(process.pid, 'SIGKILL');
    return Reflect.apply(operation, this, args);
  };

const handle = await fs.promises.open(path);
const files = Object.getPrototypeOf(handle);
await handle.close();
for (const [place, from] of [
  ['fs.', fs],
  ['', fs.promises],
  ['file.', files],
]) {
  for (const [name, { value, writable }] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
    const isOperation = typeof value === 'function' && writable && /^[a-z]/.test(name) && name !== 'constructor';
    if (isOperation) from[name] = watched(place + name, value);
  }
}
syncBuiltinESMExports();

await newer.save(path);
console.log(JSON.stringify(operations));
