/**
 * Models that `fit` accepts one label a row for.
 *
 * Of every loss but one of its own `fit` wants targets of the output's shape, N × dim here. It compares what the output
 * says of its shape, though, and leaves out what it says nothing of; so an output that does not tell its last dimension
 * gets labels of shape [N] or [N, 1] as they are.
 */
import type { LayersModel, layers, Shape } from '@tensorflow/tfjs-layers';
import { invalidArgument } from '../../errors.ts';
import type { TensorFlow } from './types.ts';

type Layer = layers.Layer;

/** [N, dim] without dim. */
export const openShape = (shape: Shape | Shape[]): Shape => [...(shape as Shape).slice(0, -1), null];

/** The layer that `withLabels` puts behind each output: it changes nothing but the shape that it tells. */
export function defineOpenOutput(tf: TensorFlow): new () => Layer {
  class OpenOutput extends tf.layers.Layer {
    static className = 'CircleLossOpenOutput';

    override call(inputs: Parameters<Layer['call']>[0]) {
      return Array.isArray(inputs) ? inputs[0] : inputs;
    }

    override computeOutputShape(inputShape: Shape | Shape[]): Shape {
      return openShape(inputShape);
    }
  }
  tf.serialization.registerClass(OpenOutput);
  return OpenOutput;
}

/** Not instanceof: of TensorFlow.js there may be several copies in a process. */
export function checkModel(model: Partial<LayersModel> | undefined): void {
  if (Array.isArray(model?.layers) && Array.isArray(model.inputs) && Array.isArray(model.outputs)) return;
  throw invalidArgument('model', 'a LayersModel', model);
}

export function openOutputs(tf: TensorFlow, OpenOutput: new () => Layer, model: LayersModel): LayersModel {
  checkModel(model);
  const outputs = model.outputs.map((output) => new OpenOutput().apply(output) as typeof output);
  return tf.model({ inputs: model.inputs, outputs });
}
