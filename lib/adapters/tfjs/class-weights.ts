/** A layer that owns class weights, so that a model saves, loads and trains them as it does its other weights. */
import type { Scalar, serialization, Tensor, Variable } from '@tensorflow/tfjs-core';
import type { LayersModel, LayerVariable, layers, Shape } from '@tensorflow/tfjs-layers';
import { invalidArgument, notBuilt, unknownOption, withoutClassWeights, wrongShape } from '../../errors.ts';
import type { PairLossChoice, Reduction } from '../../index.ts';
import type { TensorFlow, TensorLabels, TensorLosses, TensorOptions, TensorPairLossOptions } from './types.ts';
import { checkModel, openShape } from './with-labels.ts';

type Layer = layers.Layer;
type LayerConfig = NonNullable<ConstructorParameters<typeof layers.Layer>[0]>;

/** The loss of a `classWeights` layer: saved with the model. Default `{ pairLoss: { type: 'circle' } }`. */
export type ClassLevelLoss = PairLossChoice & { reduction?: Reduction };

export interface ClassWeightsConfig extends Pick<LayerConfig, 'inputShape' | 'name' | 'trainable'> {
  /** C: labels are 0 to C − 1. An integer from 1. */
  classes: number;
  loss?: ClassLevelLoss;
  /** How to compute, for this process; not saved with the model. */
  compute?: Omit<TensorOptions, 'reduction'>;
  /** Of the initial weights. Default: another one each time. */
  seed?: number;
}

/**
 * Hands embeddings through, N × dim, and owns C × dim class weights, initially normal with variance 1/dim: rows of length
 * about 1, so that a class's gradient does not depend on how many classes there are.
 */
export interface ClassWeightsLayer extends Layer {
  /** C × dim, trainable; there once the layer is built, as it is in a model. */
  readonly classWeights: Variable;
  /**
   * The layer's loss, as `compile` and custom loops take it: `pairLoss` with the layer's class weights, and a gradient to
   * both. Needs no `this`. Throws what `pairLoss` throws.
   */
  readonly loss: (labels: TensorLabels, embeddings: Tensor) => Scalar;
  /** How `loss` computes; not saved with the model. */
  compute: ClassWeightsConfig['compute'];
  /** What `loss` hands to `pairLoss`, and what `minimizeAsync` takes. */
  readonly options: TensorPairLossOptions;
  /**
   * Similarity of N embeddings with all classes, N × C: cosines, or inner products where the loss has `normalize: false`.
   * The likeliest class is the largest: `tf.argMax(layer.similarity(embeddings), 1)`.
   */
  similarity(embeddings: Tensor): Tensor;
}

export type ClassWeightsConstructor = new (config: ClassWeightsConfig) => ClassWeightsLayer;

const ownKeys = ['classes', 'loss', 'compute', 'seed'];
/** What TensorFlow.js takes of any layer; it ignores what it does not know. */
const layerKeys = ['name', 'trainable', 'inputShape', 'batchInputShape', 'batchSize', 'dtype', 'inputDType', 'weights'];

/** Long, since what the class extends comes in with TensorFlow.js, and it can be written nowhere but inside. */
export function defineClassWeights(tf: TensorFlow, pairLoss: TensorLosses['pairLoss']): ClassWeightsConstructor {
  class ClassWeights extends tf.layers.Layer implements ClassWeightsLayer {
    static className = 'CircleLossClassWeights';
    readonly #config: ClassWeightsConfig;
    #variable: LayerVariable | undefined;
    compute: ClassWeightsConfig['compute'];

    constructor(config: ClassWeightsConfig) {
      if (typeof config !== 'object' || config === null) {
        throw invalidArgument('config', 'an object such as { classes: 1000 }', config);
      }
      const { classes, loss, compute, seed, ...layerConfig } = config;
      if (!Number.isInteger(classes) || classes < 1) throw invalidArgument('classes', 'an integer from 1', classes);
      // TensorFlow.js itself adds customObjects to what it loads.
      const unknown = Object.keys(layerConfig).find((key) => ![...layerKeys, 'customObjects'].includes(key));
      if (unknown !== undefined) throw unknownOption('config', unknown, [...ownKeys, ...layerKeys]);
      super(layerConfig);
      this.#config = config;
      this.compute = compute;
    }

    get classWeights(): Variable {
      if (this.#variable) return this.#variable.read() as Variable;
      throw notBuilt('The classWeights layer');
    }

    get options(): TensorPairLossOptions {
      const { loss = { pairLoss: { type: 'circle' } } } = this.#config;
      return { ...this.compute, ...loss, classWeights: this.classWeights };
    }

    readonly loss = (labels: TensorLabels, embeddings: Tensor) => pairLoss(labels, embeddings, this.options);

    override build(inputShape: Shape | Shape[]): void {
      const dim = (inputShape as Shape).at(-1);
      if ((inputShape as Shape).length !== 2 || !dim) {
        throw wrongShape(
          'The input of a classWeights layer',
          'embeddings of shape [N, dim]',
          shapeText(inputShape as Shape),
        );
      }
      const initializer = tf.initializers.randomNormal({ mean: 0, stddev: dim ** -0.5, seed: this.#config.seed });
      this.#variable = this.addWeight('classWeights', [this.#config.classes, dim], 'float32', initializer);
      super.build(inputShape);
    }

    override call(inputs: Tensor | Tensor[]): Tensor {
      return Array.isArray(inputs) ? inputs[0] : inputs;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      return openShape(inputShape);
    }

    similarity(embeddings: Tensor): Tensor {
      const { normalize = true } = this.options;
      return tf.tidy(() => {
        const rows = (tensor: Tensor) => (normalize ? unitRows(tf, tensor) : tensor);
        return tf.matMul(rows(embeddings), rows(this.classWeights), false, true);
      });
    }

    override getConfig(): serialization.ConfigDict {
      const { classes, loss, seed } = this.#config;
      // Through JSON, which leaves out what is undefined: TensorFlow.js would save it as null, and null is no option.
      return { ...super.getConfig(), ...JSON.parse(JSON.stringify({ classes, loss, seed })) };
    }
  }
  tf.serialization.registerClass(ClassWeights);
  return ClassWeights;
}

const shapeText = (shape: Shape) => `[${shape.map(String).join(', ')}]`;

/** Divided by max(‖x‖, 1e-12), as the losses do it. */
const unitRows = (tf: TensorFlow, rows: Tensor) => tf.div(rows, tf.maximum(tf.norm(rows, 'euclidean', 1, true), 1e-12));

/** The layer of a model that was loaded. */
export function findClassWeights(
  ClassWeights: ClassWeightsConstructor,
  model: LayersModel,
  compute?: ClassWeightsConfig['compute'],
): ClassWeightsLayer {
  checkModel(model);
  const found = model.layers.find((layer): layer is ClassWeightsLayer & Layer => layer instanceof ClassWeights);
  if (found === undefined) throw withoutClassWeights(model.layers.map(({ name }) => name));
  if (compute !== undefined) found.compute = compute;
  return found;
}
