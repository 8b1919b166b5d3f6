/** `circle-loss evaluate` by labels: protocols against values worked by hand, sides, reports, and what it refuses. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { four, fourIs, jsonOf, npyBytes, outputOf, put, rawBytes, run, tableOf, temporaryFolder } from './command.ts';

const folder = temporaryFolder();
const json = (...args: string[]) => jsonOf(folder, 'evaluate', ...args);
const table = (...args: string[]) => tableOf(outputOf(folder, 'evaluate', ...args));
const rows = (name: string, values: number[]) => put(folder, name, npyBytes('<f4', [values.length / 2, 2], values));
const numbers = (name: string, values: number[]) => put(folder, name, values.join('\n'));

rows('four.npy', four.values);
numbers('four.txt', four.labels);
const fourRows = ['four.npy', '--labels', 'four.txt'];

describe('retrieval', () => {
  it('leaves one out', () => {
    expect(json(...fourRows)).toMatchObject({
      protocol: 'retrieval',
      skipped: 0,
      mapAtR: 0.5,
      rPrecision: 0.5,
      ...fourIs,
    });
  });

  it('as a table, with the K that are asked for', () => {
    expect(table(...fourRows, '--recall-at', '1,2')).toEqual({
      queries: '4',
      'skipped, for want of a match': '0',
      'Recall@1': '0.5000',
      'Recall@2': '1.0000',
      'R-precision': '0.5000',
      'MAP@R': '0.5000',
      mAP: '0.7500',
    });
  });

  it.each(['cpu', 'reference'])('says the same on engine %s', (engine) => {
    expect(json(...fourRows, '--engine', engine, ...(engine === 'cpu' ? ['--threads', '1'] : []))).toMatchObject(
      fourIs,
    );
  });

  it('of rows as they are, where dot products are asked for', () => {
    // A is ten times as long: the dot product with A is the largest for B (8) and D (6), with C it is 0.
    rows('long.npy', [10, 0, 0.8, 0.6, 0, 1, 0.6, 0.8]);
    const long = ['long.npy', '--labels', 'four.txt'];
    expect(json(...long).precisionAt1).toBe(0.5);
    expect(json(...long, '--similarity', 'dot').precisionAt1).toBe(0.75);
  });

  describe('with a split', () => {
    // E, of label 0 and nearest to nothing of its own, is training.
    rows('five.npy', [...four.values, 0, 1]);
    numbers('five.txt', [...four.labels, 0]);
    const five = ['five.npy', '--labels', 'five.txt', '--split'];

    it('leaves training out', () => {
      expect(json(...five, numbers('loo.txt', [3, 3, 3, 3, 0]))).toMatchObject(fourIs);
      expect(json(...five, put(folder, 'loo.bin', rawBytes('|u1', [3, 3, 3, 3, 0])))).toMatchObject(fourIs);
      expect(json(...five, numbers('all.txt', [3, 3, 3, 3, 3])).queries).toBe(5);
    });

    it('tells queries from gallery rows, and a query never finds itself', () => {
      // A asks B, C, D; B asks C and D, as itself is out: nothing of its label is left.
      expect(json(...five, numbers('some.txt', [1, 3, 2, 2, 0]))).toMatchObject({
        queries: 1,
        skipped: 1,
        precisionAt1: 1,
      });
    });

    it('is refused with other values, without queries or without a gallery', () => {
      for (const [values, said] of [
        [[3, 3, 3, 3, 4], '4 at row 4'],
        [[2, 2, 2, 2, 0], 'a split with queries, 1 or 3'],
        [[1, 1, 1, 1, 0], 'a split with gallery rows, 2 or 3'],
      ] as const) {
        const { status, stderr } = run(folder, 'evaluate', ...five, numbers('bad.txt', [...values]));
        expect(status).toBe(1);
        expect(stderr).toContain(said);
        expect(stderr).toContain('bad.txt');
      }
    });
  });

  it('with a gallery in another file', () => {
    rows('one.npy', [0.8, 0.6]);
    numbers('one.txt', [0]);
    const args = ['one.npy', '--labels', 'one.txt', '--gallery', 'four.npy', '--gallery-labels', 'four.txt'];
    // 1 with B, .96 with D, .8 with A: its own are at the ranks 1 and 3.
    expect(json(...args)).toMatchObject({ queries: 1, precisionAt1: 1, map: (1 + 2 / 3) / 2 });
    rows('wide.npy', [1, 2, 3, 4]);
    const { status, stderr } = run(
      folder,
      'evaluate',
      'wide.npy',
      '--dim',
      '2',
      ...args.slice(1),
      '--gallery',
      put(folder, 'three.npy', npyBytes('<f4', [1, 3], [1, 2, 3])),
    );
    expect(status).toBe(1);
    expect(stderr).toContain('three.npy must be rows of --dim 2 numbers; received rows of 3');
  });
});

describe('reid', () => {
  // A of 0 and C of 1 find their own first; G, between D (1) and B (.96), finds its own second. E, of A's label and
  // camera, does not count for A; F is junk, and would be first for A.
  rows('query.npy', [1, 0, 0, 1, 0.6, 0.8]);
  rows('gallery.npy', [0.8, 0.6, 0.6, 0.8, 1, 0, 1, 0]);
  numbers('q.txt', [0, 1, 0]);
  numbers('qc.txt', [1, 1, 1]);
  numbers('g.txt', [0, 1, 0, -1]);
  numbers('gc.txt', [2, 2, 1, 2]);
  const query = ['query.npy', '--protocol', 'reid', '--labels', 'q.txt', '--cameras', 'qc.txt'];
  const both = [...query, '--gallery', 'gallery.npy', '--gallery-labels', 'g.txt', '--gallery-cameras', 'gc.txt'];

  it('is by other cameras, without junk', () => {
    const { queries, cmc, map } = json(...both, '--ranks', '2');
    expect({ queries, cmc }).toEqual({ queries: 3, cmc: [2 / 3, 1] });
    expect(map).toBeCloseTo(2.5 / 3, 12); // thirds of doubles
    expect(table(...both)).toMatchObject({ 'rank-1': '0.6667', 'rank-5': '1.0000', mAP: '0.8333' });
  });

  it('takes another label for junk', () => {
    expect(json(...both, '--junk-label', '5').cmc[0]).toBe(1 / 3); // A meets F first
  });

  it('of one file: everybody else by another camera', () => {
    numbers('cameras.txt', [1, 2, 1, 2]);
    expect(json(...fourRows, '--protocol', 'reid', '--cameras', 'cameras.txt')).toMatchObject({
      queries: 4,
      map: 0.75,
    });
  });
});

describe('verification', () => {
  it('is of all pairs of rows', () => {
    // Genuine .8, .8; impostor 0, .6, .6, .96: at FAR .25 one may pass, the threshold is .6.
    const found = json(...fourRows, '--protocol', 'verification', '--far', '.25,.1');
    expect(found).toMatchObject({ genuine: 2, impostor: 4, auc: 0.75, equalErrorRate: 0.25 });
    expect(found.tarAtFar.map(({ tar }: { tar: number }) => tar)).toEqual([1, 0]);
    expect(table(...fourRows, '--protocol', 'verification', '--far', '.25')['TAR@FAR 2.5e-1']).toBe('1.0000');
  });

  it('has another rule', () => {
    // The points nearest to FAR .4 are those of .25: by the rule, the largest TAR of these.
    const { tarAtFar } = json(...fourRows, '--protocol', 'verification', '--far', '.1', '--rule', 'nearest');
    expect(tarAtFar[0].reachedFar).toBe(0);
  });

  it('shows rates that the impostors can tell apart, and those that are asked for', () => {
    const shown = Object.keys(table(...fourRows, '--protocol', 'verification'));
    expect(shown.filter((name) => name.startsWith('TAR'))).toEqual([]);
  });

  it('is of queries with gallery rows where they are apart, each pair once', () => {
    numbers('split.txt', [3, 3, 2, 1]);
    // A and B are both: AB once. With C: AC, BC. D asks A, B and C. All but CD with itself: six pairs.
    const found = json(...fourRows, '--protocol', 'verification', '--split', 'split.txt');
    expect(found).toMatchObject({ genuine: 2, impostor: 4, auc: 0.75 });
  });
});

describe('identification', () => {
  rows('known.npy', [1, 0, 0, 1]);
  numbers('known.txt', [0, 1]);
  rows('asking.npy', [1, 0, 0.6, 0.8, 0, 1, 0.8, 0.6]);
  numbers('asking.txt', [0, 0, 1, 9]);
  const args = ['asking.npy', '--labels', 'asking.txt', '--gallery', 'known.npy'];

  it('has ranks of those who are known, and rates among those who are not', () => {
    // Ranks 1, 2, 1; the best of the unknown is .8, and two mates are above it at rank 1.
    const found = json(...args, '--gallery-labels', 'known.txt', '--protocol', 'identification');
    expect(found).toMatchObject({ mated: 3, nonMated: 1, cmc: [2 / 3, 1] });
    expect(found.tpirAtFpir[0]).toMatchObject({ fpir: 0.1, tpir: 2 / 3 });
    const shown = table(...args, '--gallery-labels', 'known.txt', '--protocol', 'identification', '--far', '0');
    expect(shown).toMatchObject({ 'queries without': '1', 'rank-1': '0.6667', 'TPIR@FPIR 0e+0': '0.6667' });
  });

  it('refuses rows that would find themselves', () => {
    const { status, stderr } = run(
      folder,
      'evaluate',
      ...fourRows,
      '--protocol',
      'identification',
      '--split',
      numbers('self.txt', [3, 3, 2, 2]),
    );
    expect(status).toBe(1);
    expect(stderr).toContain('ERR_CIRCLE_INVALID_ARGUMENT: self.txt');
  });
});

it('distractors come one after the other', () => {
  rows('pair.npy', [1, 0, 0.8, 0.6]);
  numbers('pair.txt', [0, 0]);
  rows('distractors.npy', [0, 1, 0.96, 0.28]);
  const args = ['pair.npy', '--labels', 'pair.txt', '--gallery', 'distractors.npy', '--protocol', 'distractors'];
  // The second is nearer to both than they are to each other.
  const { identifiedAt } = json(...args, '--distractor-counts', '1,2');
  expect(identifiedAt.map(({ identified }: { identified: number }) => identified)).toEqual([1, 0]);
  expect(table(...args)).toMatchObject({ queries: '2', 'rank-1 among 2 distractors': '0.0000' });
});

describe('a report', () => {
  it('has everything in it, for light and for dark', () => {
    outputOf(folder, 'evaluate', ...fourRows, '--protocol', 'verification', '--far', '.25', '--html', 'report.html');
    const html = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(html).toContain('<h1>verification: four.npy</h1>');
    expect(html).toMatch(/TAR@FAR 2.5e-1<\/th><td class="number">1.0000</);
    expect(html).toContain('Receiver operating characteristic');
    expect(html.match(/<div class="(light|dark)"[^>]*><svg/g)).toHaveLength(2);
    const [day, night] = [...html.matchAll(/<div class="(?:light|dark)"[^>]*>(.*?)<\/div>/gs)].map(([, svg]) => svg);
    // The curve's colours.
    expect([day.includes('#0b5cad'), day.includes('#6cb6ff')]).toEqual([true, false]);
    expect([night.includes('#0b5cad'), night.includes('#6cb6ff')]).toEqual([false, true]);
    expect(html).toMatch(/prefers-color-scheme: dark.*\.dark { display: block; }/s);
    expect(html).toMatch(/<h2>Run<\/h2>.*Similarity<\/th><td>cosine/s);
    expect(html).not.toMatch(/<script|<link|(src|href)="/);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('draws what each protocol has a curve of, and escapes names', () => {
    put(folder, '<b>.npy', readFileSync(join(folder, 'four.npy')));
    outputOf(folder, 'evaluate', '<b>.npy', '--labels', 'four.txt', '--html', 'recall.html');
    const html = readFileSync(join(folder, 'recall.html'), 'utf8');
    expect(html).toContain('<title>retrieval: &lt;b&gt;.npy');
    expect(html).toContain('<td>&lt;b&gt;.npy: 4 rows of 2 numbers</td>');
    expect(html).not.toContain('<b>');
    expect(html).toContain('<h2>Recall@K</h2>');
  });

  it('takes the place of an older one behind a link, which stays a link', () => {
    put(folder, 'older.html', 'older');
    symlinkSync('older.html', join(folder, 'link.html'));
    outputOf(folder, 'evaluate', ...fourRows, '--html', 'link.html');
    expect(readFileSync(join(folder, 'older.html'), 'utf8')).toContain('<h1>');
  });

  it('that cannot be written is an error, and what was there stays', () => {
    const { status, stderr } = run(folder, 'evaluate', ...fourRows, '--html', 'nowhere/report.html');
    expect({ status, stderr }).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('ERR_CIRCLE_FILE: nowhere/report.html'),
    });
    if (!existsSync('/dev/full')) return;
    const full = run(folder, 'evaluate', ...fourRows, '--html', '/dev/full');
    expect(full.status).toBe(1);
    expect(full.stderr).toContain('ENOSPC');
  });

  it.skipIf(spawnSync('chromium', ['--version']).status !== 0)('is what a browser shows (needs chromium)', () => {
    outputOf(folder, 'evaluate', ...fourRows, '--html', 'shown.html');
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--dump-dom', `file://${join(folder, 'shown.html')}`];
    const { stdout } = spawnSync('chromium', args, { encoding: 'utf8' });
    expect(stdout).toContain('Recall@1');
    expect(stdout.match(/<path/g)!.length).toBeGreaterThan(4);
  });
});

describe('refuses, with exit code 2,', () => {
  const cases: [string, string[], string][] = [
    ['no embeddings', [], "missing required argument 'embeddings'"],
    ['an unknown option', [...fourRows, '--label', 'x'], "unknown option '--label'"],
    ['an unknown protocol', [...fourRows, '--protocol', 'sorting'], 'Allowed choices are retrieval, reid'],
    ['an unknown engine', [...fourRows, '--engine', 'gpu'], 'Allowed choices are auto, cpu, cuda, reference'],
    ['a count that is none', [...fourRows, '--recall-at', '1,many'], 'It must be an integer from 1.'],
    ['an empty item of a list', [...fourRows, '--recall-at', '1,'], 'It must be an integer from 1.'],
    ['a rate beyond 1', [...fourRows, '--protocol', 'verification', '--far', '2'], 'It must be a number from 0 to 1.'],
    ['no labels', ['four.npy'], '--protocol retrieval needs --labels.'],
    ['no cameras', [...fourRows, '--protocol', 'reid'], '--protocol reid needs --cameras.'],
    ['a gallery without labels', [...fourRows, '--gallery', 'four.npy'], 'needs --gallery-labels where'],
    [
      'a gallery without cameras',
      [
        ...fourRows,
        '--protocol',
        'reid',
        '--cameras',
        'four.txt',
        '--gallery',
        'four.npy',
        '--gallery-labels',
        'four.txt',
      ],
      'needs --gallery-cameras',
    ],
    ['labels of no gallery', [...fourRows, '--gallery-labels', 'four.txt'], 'need --gallery.'],
    [
      'a gallery and a split',
      [...fourRows, '--gallery', 'four.npy', '--gallery-labels', 'four.txt', '--split', 'x'],
      'exclude each other',
    ],
    ['identification of one set', [...fourRows, '--protocol', 'identification'], 'needs --gallery or --split'],
    ['distractors that are not there', [...fourRows, '--protocol', 'distractors'], 'needs --gallery, the distractors'],
    [
      "another protocol's option",
      [...fourRows, '--cameras', 'four.txt'],
      '--cameras is no option of --protocol retrieval.',
    ],
    ['a data set without its folder', ['four.npy', '--protocol', 'lfw'], '--protocol lfw needs --root'],
    ['a data set without paths', ['four.npy', '--protocol', 'lfw', '--root', '.'], '--protocol lfw needs --paths'],
    ["labels beside a data set's own", [...fourRows, '--protocol', 'cub'], '--labels is no option of --protocol cub.'],
  ];

  it.each(cases)('%s', (_what, args, said) => {
    const { status, stdout, stderr } = run(folder, 'evaluate', ...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(said);
    expect(stderr).toContain('--help');
  });
});

it('an engine that does not work here says why, with exit code 1', () => {
  const { status, stderr } = run(folder, 'evaluate', ...fourRows, '--engine', 'cuda', '--device', '99');
  expect(status).toBe(1);
  expect(stderr).toMatch(/^circle-loss: ERR_CIRCLE_(CUDA_UNAVAILABLE|INVALID_ARGUMENT): /);
});

it('rows of which none has anything to find are an error of the work', () => {
  writeFileSync(join(folder, 'alone.txt'), '0\n1\n2\n3');
  const { status, stderr } = run(folder, 'evaluate', 'four.npy', '--labels', 'alone.txt');
  expect(status).toBe(1);
  expect(stderr).toContain('ERR_CIRCLE_INVALID_ARGUMENT');
});

describe('tables and labels that could be taken for others', () => {
  const named = (name: string, texts: string[]) => put(folder, name, texts.join('\n'));

  it('a column without a name is no coordinate', () => {
    put(folder, 'index.csv', ',kind,x,y\n0,a,1,0\n1,a,.8,.6\n2,b,0,1\n3,b,.6,.8\n');
    const args = ['index.csv', '--labels', 'index.csv:kind'];
    expect(run(folder, 'evaluate', ...args).stderr).toMatch(/received none for column 1; .* --leave-out ''/);
    expect(json(...args, '--leave-out', '')).toMatchObject(fourIs);
  });

  it('rows without a label are not of one label', () => {
    put(folder, 'gaps.csv', 'kind,x,y\na,1,0\n,.8,.6\nb,0,1\n,.6,.8\n');
    const { status, stderr } = run(folder, 'evaluate', 'gaps.csv', '--labels', 'gaps.csv:kind');
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(/gaps.csv:kind must be a value for each row; .* row 1/),
    ]);
  });

  it('junk is junk where labels are names, and may have a name', () => {
    rows('asking.npy', [1, 0, 0, 1]);
    rows('asked.npy', [0.6, 0.8, 0.8, 0.6, 1, 0]);
    named('asking.txt', ['ann', 'bob']);
    named('asked.txt', ['bob', 'ann', '-1']);
    named('one.txt', ['1', '1']);
    named('two.txt', ['2', '2', '2']);
    const asked = ['--gallery', 'asked.npy', '--gallery-labels', 'asked.txt', '--gallery-cameras', 'two.txt'];
    const args = ['asking.npy', '--protocol', 'reid', '--labels', 'asking.txt', '--cameras', 'one.txt', ...asked];
    expect(json(...args)).toMatchObject({ queries: 2, map: 1 });
    expect(json(...args, '--junk-label', 'ann')).toMatchObject({ queries: 1, skipped: 1 });
  });

  it('listed pairs take no engine', () => {
    const { status, stderr } = run(
      folder,
      'evaluate',
      'four.npy',
      '--protocol',
      'lfw',
      '--root',
      '.',
      '--paths',
      'x',
      '--engine',
      'cpu',
    );
    expect([status, stderr]).toEqual([2, expect.stringContaining('--engine is no option of --protocol lfw')]);
  });
});
