/**
 * A folder with `model.json` and `weights.bin`, as TensorFlow.js itself writes models in a browser and with its native
 * addon; without either it knows no files. Whatever reads such models reads this one.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';

const modelFile = 'model.json';
const weightsFile = 'weights.bin';

/** What `model.save` and `tf.loadLayersModel` take. */
export function modelFolder(folder: string): tf.io.IOHandler {
  return { save: (artifacts) => save(folder, artifacts), load: () => load(folder) };
}

async function save(folder: string, artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> {
  const { weightSpecs, weightData, ...rest } = artifacts;
  const weightsManifest = [{ paths: [weightsFile], weights: weightSpecs }];
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, weightsFile), new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
  await writeFile(join(folder, modelFile), JSON.stringify({ ...rest, weightsManifest }));
  return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
}

async function load(folder: string): Promise<tf.io.ModelArtifacts> {
  const json = JSON.parse(await readFile(join(folder, modelFile), 'utf8')) as tf.io.ModelJSON;
  return tf.io.getModelArtifactsForJSON(json, async (manifest) => {
    const weights = await readFile(join(folder, weightsFile));
    // A copy: small files lie in a buffer that they share with others.
    return [manifest.flatMap((group) => group.weights), new Uint8Array(weights).buffer];
  });
}
