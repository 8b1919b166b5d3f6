/**
 * `circle-loss/tfjs`: the losses inside TensorFlow.js, as operations, as losses of a LayersModel, as a layer.
 *
 * TensorFlow.js is handed in and never imported, since there is no one package to import: a process may have
 * `@tensorflow/tfjs`, `@tensorflow/tfjs-node` or a build of its own, and tensors of one are no tensors of another.
 *
 * @module circle-loss/tfjs
 */
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { invalidArgument } from '../errors.ts';
import {
  type ClassWeightsConfig,
  type ClassWeightsConstructor,
  type ClassWeightsLayer,
  defineClassWeights,
  findClassWeights,
} from './tfjs/class-weights.ts';
import { createLosses } from './tfjs/losses.ts';
import type { TensorFlow, TensorFlowCore, TensorLosses } from './tfjs/types.ts';
import { defineOpenOutput, openOutputs } from './tfjs/with-labels.ts';

export type { ClassLevelLoss, ClassWeightsConfig, ClassWeightsLayer } from './tfjs/class-weights.ts';
export type {
  LabelLoss,
  MinimizeOptions,
  TensorCandidates,
  TensorCircleLossOptions,
  TensorClassWeights,
  TensorFlow,
  TensorFlowCore,
  TensorLabelledCandidates,
  TensorLabels,
  TensorLosses,
  TensorOptions,
  TensorPairLossOptions,
} from './tfjs/types.ts';

/** With layers, what models need. */
export interface ModelLosses extends TensorLosses {
  /**
   * A model for `compile({ loss: circleLoss })` and `fit(x, labels)` with one integer label a row, [N] or [N, 1]: the
   * same layers and weights as `model`, whose outputs take targets of any width. Train the one, save and use the other.
   */
  withLabels(model: LayersModel): LayersModel;

  /**
   * The last layer of a model that is trained with class-level labels: hands embeddings through, owns the class weights
   * and has the loss, `compile({ loss: layer.loss })`. `fit` takes labels from 0 to C − 1, of shape [N] or [N, 1].
   * Saved and loaded with the model; to load one, call `withTensorFlow` before.
   *
   * Throws ERR_CIRCLE_INVALID_ARGUMENT (`classes`), ERR_CIRCLE_SHAPE (inputs that are no rows).
   */
  classWeights(config: ClassWeightsConfig): ClassWeightsLayer;

  /**
   * The `classWeights` layer of a model that was loaded. `compute`: how it shall compute here, which is not saved with a
   * model; default as it is. Throws ERR_CIRCLE_INVALID_ARGUMENT where there is none.
   */
  classWeightsOf(model: LayersModel, compute?: ClassWeightsConfig['compute']): ClassWeightsLayer;
}

/**
 * The losses for an instance of TensorFlow.js from 4.0 on: `@tensorflow/tfjs`, `@tensorflow/tfjs-node`, or
 * `@tensorflow/tfjs-core`, which has no layers. Registers the layers' classes for loading models.
 *
 * ```ts
 * const { circleLoss } = withTensorFlow(tf);
 * optimizer.minimize(() => circleLoss(labels, model.apply(x), { margin: 0.25, gamma: 64 }));
 * ```
 */
export function withTensorFlow(tf: TensorFlow): ModelLosses;
export function withTensorFlow(tf: TensorFlowCore): TensorLosses;
export function withTensorFlow(tf: TensorFlow | TensorFlowCore): TensorLosses {
  checkTensorFlow(tf);
  const losses = createLosses(tf);
  if (!('layers' in tf)) return losses;
  const { ClassWeights, OpenOutput } = classesOf(tf, losses);
  const modelLosses: ModelLosses = {
    ...losses,
    withLabels: (model) => openOutputs(tf, OpenOutput, model),
    classWeights: (config) => new ClassWeights(config),
    classWeightsOf: (model, compute) => findClassWeights(ClassWeights, model, compute),
  };
  return modelLosses;
}

const namespace = 'TensorFlow.js as a whole, such as * as tf from @tensorflow/tfjs';

/** Something of each part that is used: a package that exports them is TensorFlow.js, or plays it. */
function checkTensorFlow(tf: Partial<TensorFlow> | undefined): void {
  const isFunction = (value: unknown) => typeof value === 'function';
  const isCore = [tf?.customGrad, tf?.scalar, tf?.tensor, tf?.tidy, tf?.memory].every(isFunction);
  const hasLayers = [tf?.layers?.Layer, tf?.serialization?.registerClass, tf?.model].every(isFunction);
  if (!isCore || (tf!.layers !== undefined && !hasLayers)) throw invalidArgument('tf', namespace, tf);
}

interface LayerClasses {
  ClassWeights: ClassWeightsConstructor;
  OpenOutput: ReturnType<typeof defineOpenOutput>;
}

/** By the class that they extend: whoever calls twice has layers of the same classes. */
const defined = new WeakMap<object, LayerClasses>();

function classesOf(tf: TensorFlow, { pairLoss }: TensorLosses): LayerClasses {
  let classes = defined.get(tf.layers.Layer);
  if (classes === undefined) {
    classes = { ClassWeights: defineClassWeights(tf, pairLoss), OpenOutput: defineOpenOutput(tf) };
    defined.set(tf.layers.Layer, classes);
  }
  return classes;
}
