/**
 * Lists in the formats of LFW and IJB that others made for the ORL faces, where CIRCLE_LOSS_DATA names a folder that has
 * them in `orl_face_embeddings/protocol`: 20 persons with ten images each.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alignPairs, alignTemplates, readIjbVerification, readLfw } from '../lib/protocols.ts';
import { folderWith } from './data-set-files.ts';

const data = process.env.CIRCLE_LOSS_DATA;
const lists = join(data ?? '', 'orl_face_embeddings/protocol');

describe.skipIf(data === undefined)('lists of the ORL faces (needs CIRCLE_LOSS_DATA)', () => {
  it('pairs: ten folds, and "same" is what the names say', async () => {
    const { pairs, folds, paths } = await readLfw('/nowhere', { pairs: join(lists, 'pairs.txt'), images: 'ignore' });
    expect([folds, pairs.length, paths.length]).toEqual([10, 10 * (90 + 90), 20 * 10]);
    const person = (path: string) => path.slice(0, path.indexOf('/'));
    expect(pairs.every(({ first, second, same }) => same === (person(first) === person(second)))).toBe(true);
    const aligned = alignPairs(paths, pairs);
    expect(Array.from(aligned.first, (row) => paths[row])).toEqual(pairs.map(({ first }) => first));
    expect(aligned.same.reduce((sum, same) => sum + same, 0)).toBe(900);
  });

  it('templates: every pair is of two that have images, "same" as the images say', async () => {
    const root = folderWith({
      'meta/ijbc_face_tid_mid.txt': readFileSync(join(lists, 'orl_face_tid_mid.txt')),
      'meta/ijbc_template_pair_label.txt': readFileSync(join(lists, 'orl_template_pair_label.txt')),
    });
    const { paths, templates, pairs } = await readIjbVerification(root, { set: 'IJB-C', images: 'ignore' });
    const person = new Map(paths.map((path, i) => [templates[i], /s\d+/.exec(path)![0]]));
    const ids = Int32Array.from(person.keys());
    const [first, second] = [pairs.first, pairs.second].map((side) => alignTemplates(ids, side));
    expect(first.length).toBeGreaterThan(0);
    first.forEach((row, k) => {
      expect(person.get(ids[row]) === person.get(ids[second[k]]), `pair ${k}`).toBe(pairs.same[k] === 1);
    });
  });
});
