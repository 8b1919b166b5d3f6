/** TensorFlow.js. Arguments: backend, gradient style. */
import * as core from '@tensorflow/tfjs';
import { type Contender, serve } from './serve.ts';
import { autodiffStep } from './tfjs-autodiff.ts';
import { customGradientStep } from './tfjs-custom-gradient.ts';
import { type TensorFlow, toTensors } from './tfjs-problem.ts';

export type Backend = 'cpu' | 'wasm' | 'webgpu' | 'node';
export type GradientStyle = 'autodiff' | 'custom-gradient';

const [backend, style] = process.argv.slice(2) as [Backend, GradientStyle];

const contender: Contender = async (workload, data) => {
  const tf = await load(backend);
  const problem = toTensors(tf, workload, data);
  const run = style === 'autodiff' ? autodiffStep(tf, problem) : customGradientStep(tf, problem);
  return async () => {
    const tensors = tf.tidy(run);
    const [loss, gradient, candidateGradient] = await Promise.all(tensors.map((tensor) => tensor.data()));
    tf.dispose(tensors);
    return {
      loss: loss[0],
      gradient: gradient as Float32Array,
      candidateGradient: candidateGradient as Float32Array | undefined,
    };
  };
};

async function load(name: Backend): Promise<TensorFlow> {
  // The last two are no dependencies of this workspace: tfjs-node downloads its library when it is installed, and
  // webgpu needs a graphics driver. Names in variables: the compiler must not look for them.
  const [tfjsNode, tfjsWebgpu, dawn] = ['@tensorflow/tfjs-node', '@tensorflow/tfjs-backend-webgpu', 'webgpu'];
  if (name === 'node') return (await import(tfjsNode)).default;
  core.enableProdMode();
  if (name === 'wasm') await import('@tensorflow/tfjs-backend-wasm');
  if (name === 'webgpu') {
    const { create, globals } = await import(dawn);
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
    await import(tfjsWebgpu);
  }
  if (!(await core.setBackend(name))) throw new Error(`TensorFlow.js has no ${name} backend here.`);
  return core;
}

serve(contender, `TensorFlow.js ${core.version_core}`);
