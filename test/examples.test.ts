/** What the examples share is right, and each of them runs, in its smallest form, and does what it says. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { loadDataSet } from '../examples/data/data-set.ts';
import { Random } from '../examples/data/random.ts';
import { productOf } from '../examples/network/matrix.ts';
import { Network } from '../examples/network/network.ts';
import { Gallery } from '../examples/worker/gallery.ts';
import { SharedWeights } from '../examples/worker/shared-weights.ts';
import { startThread } from '../examples/worker/thread.ts';

const root = join(import.meta.dirname, '..');

it('a data set has two parts without a class in common, and labels that are rows of class weights', async () => {
  const { catalogue, training, test } = await loadDataSet({ classLimit: 20, random: new Random(1) });
  const emojiOf = (pictures: readonly number[]) => new Set(pictures.map((picture) => catalogue.labels[picture]));
  expect(training.pictures.length + test.pictures.length).toBe(catalogue.labels.length);
  expect(emojiOf([...training.pictures, ...test.pictures]).size).toBe(20);
  for (const part of [training, test]) {
    expect(emojiOf(part.pictures).size).toBe(part.classCount);
    expect([...new Set(part.labels)].sort((a, b) => a - b)).toEqual([...Array(part.classCount).keys()]);
    const pairs = new Set(part.pictures.map((picture, i) => `${catalogue.labels[picture]} ${part.labels[i]}`));
    expect(pairs.size).toBe(part.classCount);
    for (const { values, dim } of [part.features, part.inputs]) expect(values.length).toBe(part.pictures.length * dim);
  }
  expect(training.classCount).toBe(12);
});

it('shared weights are read whole, whatever is written meanwhile', async () => {
  const length = 200_000;
  const shared = new SharedWeights(length);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const thread = startThread('../../test/programs/publish.ts', { weights: shared.buffer, stop, length });
  const exit = once(thread, 'exit');
  while (shared.version === 0) await new Promise(setImmediate);
  const versions = Array.from({ length: 200 }, () => {
    const { version, values } = shared.read();
    expect(values.every((value) => value === version)).toBe(true);
    return version;
  });
  Atomics.store(stop, 0, 1);
  await exit;
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(versions.at(-1)).toBeGreaterThan(versions[0]);
}, 60_000);

it('a gallery has the embeddings of the network whose weights are shared, and finds the most similar rows', async () => {
  const sizes = [6, 5, 4];
  const random = new Random(2);
  const network = new Network(sizes, productOf('reference'), random);
  const parameters = network.parameters;
  for (const { values } of parameters)
    values.forEach((_, k) => {
      values[k] = 2 * random.fraction() - 1;
    });
  const weights = new SharedWeights(parameters.reduce((sum, { values }) => sum + values.length, 0));
  weights.publish(parameters);
  const count = 600; // more than one chunk
  const inputs = { values: Float32Array.from({ length: count * 6 }, () => 2 * random.fraction() - 1), dim: 6 };
  const gallery = new Gallery(inputs, sizes, weights, 'auto');
  await gallery.refresh();

  const { values, dim } = network.embed(inputs);
  const row = (i: number) => values.subarray(i * dim, (i + 1) * dim);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, k) => sum + value * b[k], 0);
  const cosine = (a: Float32Array, b: Float32Array) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  for (const query of [0, 511, 512, 599]) {
    const { step, neighbours } = gallery.nearest(query, 5);
    expect(step).toBe(0);
    expect(neighbours.length).toBe(5);
    const expected = [...Array(count).keys()]
      .filter((other) => other !== query)
      .map((other) => cosine(row(query), row(other)))
      .sort((a, b) => b - a);
    neighbours.forEach(({ row: other, similarity }, rank) => {
      // Embeddings are sums of 11 products, cosines of 4 and their lengths: some 20 roundings of 2^-24, on either side.
      expect(Math.abs(similarity - expected[rank])).toBeLessThan(40 * 2 ** -24);
      expect(Math.abs(similarity - cosine(row(query), row(other)))).toBeLessThan(40 * 2 ** -24);
    });
  }
});

describe('npm run example:worker -- --quick', () => {
  interface Answer {
    picture: number;
    step: number;
    nearest: { picture: number; similarity: number }[];
  }
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL'); // those that a failed test left
  });
  const start = (...options: string[]) => {
    const example = join(root, 'examples', 'worker', 'example.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', example, '--quick', ...options], { cwd: root });
    children.push(child);
    const output = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output.out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output.err += text;
    });
    return { child, output, exit: once(child, 'exit') };
  };
  const firstMatch = async (child: ChildProcess, output: { out: string; err: string }, pattern: RegExp) => {
    while (!pattern.test(output.out)) {
      expect(child.exitCode, output.err).toBe(null);
      await setTimeout(50);
    }
    return output.out.match(pattern)![0];
  };
  const readSummary = (out: string) => {
    const [, steps] = out.match(/Training +(\d+) steps/)!;
    const [, before, after] = out.match(/Loss, unseen +([\d.]+) before, ([\d.]+) after/)!;
    const [, answered, failed] = out.match(/Requests +(\d+) answered, (\d+) failed/)!;
    expect(out).toMatch(/Main thread +timers late by [\d.]+ ms \(p50\), [\d.]+ ms \(p90\), [\d.]+ ms \(p99\)/);
    return { steps: +steps, before: +before, after: +after, answered: +answered, failed: +failed };
  };

  it('trains, answers every request meanwhile, and ends', async () => {
    const { output, exit } = start('--steps', '20');
    expect(await exit, output.err).toEqual([0, null]);
    const { steps, before, after, answered, failed } = readSummary(output.out);
    expect(steps).toBe(20);
    // Three seeds and 30 steps lowered the loss of classes that training never sees from 39 to 43 by 4 to 7.
    expect(after).toBeLessThan(before);
    expect(answered).toBeGreaterThan(0);
    expect(failed).toBe(0);
  }, 240_000);

  it('answers anybody from ever newer weights, and ends cleanly when it is interrupted', async () => {
    const { child, output, exit } = start('--steps', '100000');
    const url = await firstMatch(child, output, /http:\S+\/nearest\//);
    let answer: Answer;
    do {
      answer = (await (await fetch(`${url}7`)).json()) as Answer;
      await setTimeout(50);
    } while (answer.step === 0);
    expect(answer).toMatchObject({ picture: 7, emoji: expect.any(String), vendor: expect.any(String) });
    expect(answer.nearest.map(({ picture }) => picture)).not.toContain(7);
    const similarities = answer.nearest.map(({ similarity }) => similarity);
    expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
    expect(similarities.length).toBe(5);
    for (const wrong of ['100000', 'x', '']) expect((await fetch(`${url}${wrong}`)).status).toBe(404);

    child.kill('SIGINT');
    expect(await exit, output.err).toEqual([0, null]);
    const { steps, failed } = readSummary(output.out);
    expect(steps).toBeGreaterThanOrEqual(answer.step);
    expect(steps).toBeLessThan(100000);
    expect(failed).toBe(0);
  }, 240_000);

  it('names an option that is wrong', async () => {
    const { output, exit } = start('--seconds', 'none');
    expect((await exit)[0]).not.toBe(0);
    expect(output.err).toContain(
      "option '--seconds <limit>' argument 'none' is invalid. It must be an integer from 1.",
    );
  });
});
