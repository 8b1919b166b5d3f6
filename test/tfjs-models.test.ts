/** LayersModels of TensorFlow.js: compile, fit, evaluate, save, load, and class weights that are a layer. */
import '@tensorflow/tfjs-backend-wasm';
import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ClassLevelLoss, withTensorFlow } from '../lib/adapters/tfjs.ts';
import { computeCircleLoss, computePairLoss, computeSimilarity } from '../lib/index.ts';
import { randomFrom, randomRows } from './cases.ts';
import { distance } from './sensitivity.ts';

tf.enableProdMode();

const { circleLoss, pairLoss, withLabels, classWeights, classWeightsOf } = withTensorFlow(tf);

const classes = 4;
/** 44 rows are two batches of 16 and one of 12. */
const count = 44;
const batchSize = 16;
const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
const random = randomFrom(1);
const centres = randomRows(classes, 6, random);
const noise = randomRows(count, 6, random);
const inputs = noise.map((value, i) => 0.3 * value + centres[(labels[Math.floor(i / 6)] as number) * 6 + (i % 6)]);

const circle = { margin: 0.25, gamma: 16 };
const loss = (y: Tensor, e: Tensor) => circleLoss(y, e, circle);

function newModel(...last: tf.layers.Layer[]): LayersModel {
  const dense = (units: number, options: object, seed: number) =>
    tf.layers.dense({ units, kernelInitializer: tf.initializers.glorotUniform({ seed }), ...options });
  return tf.sequential({
    layers: [dense(8, { inputShape: [6], activation: 'relu' }, 1), dense(5, {}, 2), ...last],
  });
}

async function saved(model: LayersModel, config?: tf.io.SaveConfig): Promise<tf.io.ModelArtifacts> {
  let artifacts: tf.io.ModelArtifacts | undefined;
  const handler = tf.io.withSaveHandler(async (given) => {
    artifacts = given;
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  });
  await model.save(handler, config);
  return artifacts!;
}

const load = (artifacts: tf.io.ModelArtifacts) => tf.loadLayersModel(tf.io.fromMemory(artifacts));

const weightsOf = (model: LayersModel) => model.getWeights().map((weight) => weight.dataSync().slice());

const train = (model: LayersModel, x: Tensor, y: Tensor, epochs = 1, more: tf.ModelFitArgs = {}) =>
  model.fit(x, y, { batchSize, epochs, shuffle: false, verbose: 0, yieldEvery: 'never', ...more });

describe.each(['cpu', 'wasm'])('on backend %s', (backend) => {
  let x: tf.Tensor2D;
  let y: tf.Tensor1D;
  beforeAll(async () => {
    await tf.setBackend(backend);
    x = tf.tensor2d(inputs, [count, 6]);
    y = tf.tensor1d(labels, 'int32');
  });
  beforeEach(() => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue();
    onTestFinished(() => warn.mockRestore());
  });

  it('fit takes a label a row, steps through a last smaller batch, and reports the mean of its losses', async () => {
    const model = newModel();
    const trained = withLabels(model);
    // With a learning rate of 0 the losses are those of the model as it is.
    trained.compile({ optimizer: tf.train.sgd(0), loss });
    const embeddings = (model.predict(x) as Tensor).dataSync() as Float32Array;
    const batches = [0, 16, 32].map((start) => {
      const end = Math.min(start + batchSize, count);
      const rows = embeddings.slice(start * 5, end * 5);
      return { size: end - start, ...computeCircleLoss(rows, labels.slice(start, end), { ...circle, dim: 5 }) };
    });
    const expected = batches.reduce((sum, { size, loss }) => sum + size * loss, 0) / count;
    const reported = [
      (await train(trained, x, y)).history.loss[0] as number,
      (trained.evaluate(x, y, { batchSize }) as tf.Scalar).dataSync()[0],
    ];
    // The batch's rows go through the network as in predict, and three products and two sums are rounded.
    for (const found of reported) expect(Math.abs(found - expected)).toBeLessThanOrEqual(8 * 2 ** -24 * expected);
  });

  it('fit trains: the loss falls, on labels of either dtype and of shape [N] or [N, 1], with the same weights', async () => {
    const results = [];
    for (const target of [y, y.toFloat(), y.expandDims(1), y.toFloat().expandDims(1)]) {
      const model = newModel();
      const trained = withLabels(model);
      trained.compile({ optimizer: tf.train.adam(0.01), loss });
      const { history } = await train(trained, x, target, 20, { validationData: [x, target] });
      expect(history.loss[19]).toBeLessThan((history.loss[0] as number) / 2);
      expect(history.val_loss[19]).toBeLessThan((history.val_loss[0] as number) / 2);
      results.push({ history, weights: weightsOf(model) });
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it('a step of fit, of trainOnBatch and of a custom loop change the weights by the same bits', async () => {
    const stepped = async (step: (model: LayersModel, optimizer: tf.Optimizer) => unknown) => {
      const model = newModel();
      await step(model, tf.train.adam(0.01));
      return weightsOf(model);
    };
    const compiled = (model: LayersModel, optimizer: tf.Optimizer) => {
      const trained = withLabels(model);
      trained.compile({ optimizer, loss });
      return trained;
    };
    const byFit = await stepped((model, optimizer) => train(compiled(model, optimizer), x, y, 1, { batchSize: count }));
    const byBatch = await stepped((model, optimizer) => compiled(model, optimizer).trainOnBatch(x, y));
    const byLoop = await stepped((model, optimizer) =>
      optimizer.minimize(() => circleLoss(y, model.apply(x, { training: true }) as Tensor, circle)),
    );
    expect(byFit).toEqual(byLoop);
    expect(byBatch).toEqual(byLoop);
    expect(byLoop).not.toEqual(weightsOf(newModel()));
  });

  it('fit and evaluate leave no tensors', async () => {
    const trained = withLabels(newModel());
    trained.compile({ optimizer: 'sgd', loss });
    await train(trained, x, y);
    const before = tf.memory().numTensors;
    await train(trained, x, y, 2, { validationSplit: 0.25 });
    tf.dispose(trained.evaluate(x, y));
    expect(tf.memory().numTensors).toBe(before);
  });

  it('a model of several outputs has a loss of ours on one and of TensorFlow.js on the other', async () => {
    const model = newModel();
    const decoded = tf.layers.dense({ units: 6 }).apply(model.outputs[0]) as tf.SymbolicTensor;
    const trained = withLabels(tf.model({ inputs: model.inputs, outputs: [model.outputs[0], decoded] }));
    trained.compile({ optimizer: tf.train.adam(0.01), loss: [loss, tf.metrics.meanSquaredError] });
    const { history } = await trained.fit(x, [y, x], { epochs: 10, verbose: 0, validationData: [x, [y, x]] });
    for (const losses of Object.values(history)) expect(losses[9]).toBeLessThan(losses[0] as number);
    expect(Object.keys(history).length).toBe(6);
  });

  it('the model that is saved is one without anything of ours, and goes on training when it is loaded', async () => {
    const model = newModel();
    const trained = withLabels(model);
    trained.compile({ optimizer: tf.train.sgd(0.01), loss });
    await train(trained, x, y);
    const artifacts = await saved(model);
    expect(JSON.stringify(artifacts.modelTopology)).not.toContain('CircleLoss');
    const loaded = await load(artifacts);
    expect((loaded.predict(x) as Tensor).dataSync()).toEqual((model.predict(x) as Tensor).dataSync());
    const again = withLabels(loaded);
    again.compile({ optimizer: tf.train.sgd(0.01), loss });
    expect((await train(again, x, y)).history).toEqual((await train(trained, x, y)).history);
    expect(weightsOf(loaded)).toEqual(weightsOf(model));
  });

  it('the model that is trained can be saved too, with its optimizer', async () => {
    const trained = withLabels(newModel());
    trained.compile({ optimizer: tf.train.adam(0.01), loss });
    await train(trained, x, y);
    const loaded = await load(await saved(trained, { includeOptimizer: true }));
    loaded.compile({ optimizer: loaded.optimizer, loss });
    await Promise.all([train(trained, x, y), train(loaded, x, y)]);
    expect(weightsOf(loaded)).toEqual(weightsOf(trained));
  });

  describe('class weights', () => {
    const arcface: ClassLevelLoss = {
      pairLoss: { type: 'arcface', gamma: 16, margin: undefined, derivative: 'straight-through', beyondPi: 'cosine' },
      reduction: 'mean-all',
    };

    it('are trained along: loss and both gradients are those of the call on arrays', () => {
      const layer = classWeights({ classes, loss: arcface, seed: 3 });
      const model = newModel(layer);
      const embeddings = model.predict(x) as Tensor;
      const weights = layer.classWeights.dataSync() as Float32Array;
      const expected = computePairLoss(embeddings.dataSync() as Float32Array, labels, {
        ...arcface,
        dim: 5,
        classWeights: weights,
      } as Parameters<typeof computePairLoss>[2] & { classWeights: Float32Array; gradient: 'compute' });
      const { value, grads } = tf.variableGrads(() => layer.loss(y, model.apply(x) as Tensor) as tf.Scalar);
      expect(value.dataSync()[0]).toBe(Math.fround(expected.loss));
      expect(grads[layer.classWeights.name].dataSync()).toEqual(expected.classWeightGradient);
      const byEmbeddings = tf.grad((e: Tensor) => layer.loss(y, e))(embeddings);
      expect(byEmbeddings.dataSync()).toEqual(expected.gradient);
    });

    it('the layer fits, predicts embeddings, and knows the classes afterwards', async () => {
      const layer = classWeights({ classes, loss: { pairLoss: { type: 'unified', gamma: 8, margin: 0 } }, seed: 3 });
      const model = newModel(layer);
      model.compile({ optimizer: tf.train.adam(0.02), loss: layer.loss });
      const { history } = await train(model, x, y, 40);
      expect(history.loss[39]).toBeLessThan((history.loss[0] as number) / 4);
      const embeddings = model.predict(x) as Tensor;
      expect(embeddings.shape).toEqual([count, 5]);
      expect(layer.similarity(embeddings).argMax(1).dataSync()).toEqual(labels);
      const before = tf.memory().numTensors;
      await train(model, x, y);
      layer.similarity(embeddings).dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    it('are saved and loaded with their loss and their optimizer, and train on with the same bits', async () => {
      const layer = classWeights({ classes, loss: arcface, compute: { threads: 1 } });
      const model = newModel(layer);
      model.compile({ optimizer: tf.train.adam(0.02), loss: layer.loss });
      await train(model, x, y, 2);
      const loaded = await load(await saved(model, { includeOptimizer: true }));
      const found = classWeightsOf(loaded);
      expect(found.classWeights.dataSync()).toEqual(layer.classWeights.dataSync());
      expect({ ...found.options, classWeights: 0 }).toEqual({ ...arcface, classWeights: 0 });
      expect(classWeightsOf(loaded, { threads: 1, engine: 'cpu' })).toBe(found);
      expect({ ...found.options, classWeights: 0 }).toEqual({ ...arcface, threads: 1, engine: 'cpu', classWeights: 0 });
      loaded.compile({ optimizer: loaded.optimizer, loss: found.loss });
      const { history } = await train(loaded, x, y, 3);
      expect(history).toEqual((await train(model, x, y, 3)).history);
      expect(weightsOf(loaded)).toEqual(weightsOf(model));
      expect((loaded.predict(x) as Tensor).dataSync()).toEqual((model.predict(x) as Tensor).dataSync());
    });

    it('a model without its head is one without anything of ours, and predicts the same', async () => {
      const head = classWeights({ classes });
      const model = newModel(head);
      const bare = tf.model({ inputs: model.inputs, outputs: head.input as tf.SymbolicTensor });
      const artifacts = await saved(bare);
      expect(JSON.stringify(artifacts.modelTopology)).not.toContain('CircleLoss');
      const loaded = await load(artifacts);
      expect((loaded.predict(x) as Tensor).dataSync()).toEqual((model.predict(x) as Tensor).dataSync());
    });

    it('a seed makes the same ones, of length about 1 whatever their number', () => {
      const build = (config: { classes: number; seed?: number }) => {
        const layer = classWeights(config);
        newModel(layer);
        return layer.classWeights;
      };
      expect(build({ classes, seed: 5 }).dataSync()).toEqual(build({ classes, seed: 5 }).dataSync());
      expect(build({ classes, seed: 5 }).dataSync()).not.toEqual(build({ classes, seed: 6 }).dataSync());
      // The mean square of 5000 normal numbers has a deviation of √(2/5000) = 0.02 of itself; five of them are 0.1.
      const squares = build({ classes: 1000, seed: 1 }).square().sum().dataSync()[0];
      expect(Math.abs(squares / 1000 - 1)).toBeLessThan(0.1);
    });

    it('similarities are cosines', () => {
      const layer = classWeights({ classes });
      const embeddings = newModel(layer).predict(x) as Tensor;
      const found = layer.similarity(embeddings).dataSync();
      const weights = layer.classWeights.dataSync() as Float32Array;
      const expected = computeSimilarity(embeddings.dataSync() as Float32Array, { dim: 5, candidates: weights });
      // Each side: sums of dim products of unit rows, one rounding a term, and four of the normalisation.
      expect(distance(found, expected)).toBeLessThanOrEqual(2 * (5 + 4) * 2 ** -24);
    });

    it('without normalisation similarities are inner products, as they are to the loss', () => {
      const layer = classWeights({ classes, loss: { pairLoss: { type: 'unified' }, normalize: false } });
      const embeddings = newModel(layer).predict(x) as Tensor;
      const products = tf.matMul(embeddings, layer.classWeights, false, true);
      expect(layer.similarity(embeddings).dataSync()).toEqual(products.dataSync());
    });

    it('are the same class for all who ask, so that what one defined another finds', () => {
      const layer = withTensorFlow(tf).classWeights({ classes });
      expect(classWeightsOf(newModel(layer))).toBe(layer);
    });

    it('of any variable take part in a custom loop', () => {
      const variable = tf.variable(tf.randomNormal([classes, 5], 0, 1, 'float32', 1));
      const model = newModel();
      const optimizer = tf.train.adam(0.02);
      const options = { pairLoss: { type: 'unified', gamma: 8, margin: 0 } as const, classWeights: variable };
      const step = () => optimizer.minimize(() => pairLoss(y, model.apply(x) as Tensor, options), true)!.dataSync()[0];
      const losses = Array.from({ length: 40 }, step);
      expect(losses[39]).toBeLessThan(losses[0] / 4);
    });
  });
});
