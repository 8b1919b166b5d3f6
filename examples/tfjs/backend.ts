/** TensorFlow.js with the backends that every machine has. */
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs';

export const backendNames = ['wasm', 'cpu'] as const;
export type BackendName = (typeof backendNames)[number];

/** Starts the backend that was asked for, or 'cpu', plain JavaScript, where it does not start; says which it is. */
export async function startBackend(asked: string): Promise<void> {
  const works = await tf.setBackend(asked);
  if (!works) await tf.setBackend('cpu');
  tf.enableProdMode(); // afterwards, since TensorFlow.js would not say what is wrong with a backend
  console.log(`Backend: ${tf.getBackend()}${works ? '' : `, in place of ${asked}, which does not start here`}`);
}
