/** IJB-B and IJB-C, as InsightFace packs them: one face an image, and lists of templates. */
import { foreignDataSet, malformedLine } from '../errors.ts';
import { parse } from '../schemas.ts';
import { DataFolder, type DataSet, type ImageCheck, integerIn, listedPath } from './files.ts';
import { readIntegerLines } from './integer-lines.ts';
import { parsePath, protocolSchemas } from './schemas.ts';

export interface IjbOptions {
  /** Which of the two; their files are named alike. */
  set: 'IJB-B' | 'IJB-C';
  /** 'read': also the scores of the face detector, which some weigh images by. Default 'leave-out'. */
  scores?: 'leave-out' | 'read';
  /** Whether the images that the lists name are looked for; default 'check'. */
  images?: ImageCheck;
}

/** N images and what they belong to, in the order of the list; for `aggregateTemplates`. */
export interface TemplateList {
  /** Paths in `loose_crop`. An image may be in several templates, and is here once for each. */
  paths: readonly string[];
  /** Template ids. */
  templates: Int32Array;
  /** Media ids: frames of one video have the same. */
  media: Int32Array;
  /** Scores of the face detector, with `scores: 'read'`. */
  scores?: Float32Array;
  warnings: readonly string[];
}

export interface IjbVerification extends TemplateList {
  /** K pairs of template ids. */
  pairs: {
    first: Int32Array;
    second: Int32Array;
    /** 1 for a pair of the same person. */
    same: Uint8Array;
  };
}

/** Templates and who is on them. */
export interface LabelledTemplates {
  /** Template ids, each once. */
  templates: Int32Array;
  /** Subject ids. */
  labels: Int32Array;
}

export interface IjbIdentification extends TemplateList {
  /** Two, of different persons: S1 and S2 of IJB-B, G1 and G2 of IJB-C. Each is searched by all queries. */
  galleries: readonly LabelledTemplates[];
  /** The mixed probes: for each gallery, those of its persons are known, the others unknown. */
  queries: LabelledTemplates;
}

const source =
  'Ask NIST for the images, https://www.nist.gov/programs-projects/face-challenges; ' +
  'https://github.com/deepinsight/insightface/tree/master/recognition/_evaluation_/ijb says where the lists are.';
const sets: Record<'IJB-B' | 'IJB-C', DataSet & { prefix: string; galleries: readonly string[] }> = {
  'IJB-B': { name: 'IJB-B', source, prefix: 'ijbb', galleries: ['S1', 'S2'] },
  'IJB-C': { name: 'IJB-C', source, prefix: 'ijbc', galleries: ['G1', 'G2'] },
};
const identity = 'an integer id';

/**
 * Verification of IJB-B or IJB-C (1:1) from a folder with `meta` and `loose_crop`: `ijbc_face_tid_mid.txt` and
 * `ijbc_template_pair_label.txt`, or `ijbb_…`.
 *
 * Embed `paths`, hand the rows with `templates` and `media` to `aggregateTemplates`, compare the rows that
 * `alignTemplates(templateIds, pairs.first)` and `pairs.second` name: TAR at FAR 1e-6 to 1e-1. The list of pairs of
 * IJB-C has millions of lines; it is read a piece at a time, at 9 bytes a pair.
 *
 * Throws `CircleLossError`: ERR_CIRCLE_FILE where a list is missing, ERR_CIRCLE_PROTOCOL for malformed lines, pairs of
 * templates without images and missing images, ERR_CIRCLE_INVALID_ARGUMENT.
 *
 * Source: Whitelam et al., "IARPA Janus Benchmark-B Face Dataset", CVPRW 2017; Maze et al., "IARPA Janus Benchmark-C:
 * Face Dataset and Protocol", ICB 2018; lists as in `recognition/arcface_torch/eval_ijbc.py` of
 * https://github.com/deepinsight/insightface.
 */
export async function readIjbVerification(root: string, options: IjbOptions): Promise<IjbVerification> {
  const parsed = parse(protocolSchemas.ijb, options);
  const folder = new DataFolder(sets[parsed.set], parsePath(root));
  const images = await readImages(folder, parsed);
  const list = `meta/${sets[parsed.set].prefix}_template_pair_label.txt`;
  if (!(await folder.has(list))) throw folder.missing(list, 'the list of pairs', 'no such file');
  const columns = await readIntegerLines(folder.path(list), 3, 'two template ids and 0 or 1');
  const [first, second, labels] = columns;
  const odd = labels.findIndex((label) => label > 1);
  if (odd >= 0) throw malformedLine(folder.path(list), odd + 1, 'two template ids and 0 or 1', `${labels[odd]}`);
  checkTemplates(folder, list, images.templates, [first, second]);
  return { ...images, pairs: { first, second, same: Uint8Array.from(labels) } };
}

/**
 * Identification of IJB-B or IJB-C (1:N) from the same folder: `ijbc_1N_gallery_G1.csv`, `ijbc_1N_gallery_G2.csv` and
 * `ijbc_1N_probe_mixed.csv`, or `ijbb_1N_gallery_S1.csv` and so on. Where a template has several rows, as in NIST's own
 * lists, it is here once.
 *
 * Published numbers search each gallery with all queries and average over the two: TPIR at FPIR 0.01 and 0.1, and the
 * closed-set ranks of the queries whose person is there.
 *
 * Throws as `readIjbVerification`, and ERR_CIRCLE_PROTOCOL where a template has two persons.
 */
export async function readIjbIdentification(root: string, options: IjbOptions): Promise<IjbIdentification> {
  const parsed = parse(protocolSchemas.ijb, options);
  const { prefix, galleries: names } = sets[parsed.set];
  const folder = new DataFolder(sets[parsed.set], parsePath(root));
  const images = await readImages(folder, parsed);
  const read = async (list: string, what: string) => {
    const found = await readTemplates(folder, list, what);
    checkTemplates(folder, list, images.templates, [found.templates]);
    return found;
  };
  const galleries: LabelledTemplates[] = [];
  for (const name of names)
    galleries.push(await read(`meta/${prefix}_1N_gallery_${name}.csv`, 'the list of a gallery'));
  return { ...images, galleries, queries: await read(`meta/${prefix}_1N_probe_mixed.csv`, 'the list of probes') };
}

/** Lines `1.jpg 1 69544`: image, template, media. */
async function readImages(folder: DataFolder, options: IjbOptions): Promise<TemplateList> {
  const { prefix } = sets[options.set];
  const list = `meta/${prefix}_face_tid_mid.txt`;
  const path = folder.path(list);
  const lines = await folder.lines(list, 'the list of images');
  const paths: string[] = [];
  const templates = new Int32Array(lines.length);
  const media = new Int32Array(lines.length);
  lines.forEach((line, i) => {
    const words = line.text.trim().split(/\s+/);
    if (words.length !== 3)
      throw malformedLine(path, line.number, 'an image, a template and a media id', `'${line.text}'`);
    paths.push(listedPath(`loose_crop/${words[0]}`));
    templates[i] = integerIn(path, line, words[1], [0, 0x7fffffff], identity);
    media[i] = integerIn(path, line, words[2], [0, 0x7fffffff], identity);
  });
  await folder.checkImages(list, paths, options.images ?? 'check');
  const scores = options.scores === 'read' ? await readScores(folder, prefix, paths) : undefined;
  return { paths, templates, media, ...(scores && { scores }), warnings: folder.warnings };
}

/** Lines of an image, five points and a score, in the order of the list of images. */
async function readScores(folder: DataFolder, prefix: string, paths: readonly string[]): Promise<Float32Array> {
  const list = `meta/${prefix}_name_5pts_score.txt`;
  const path = folder.path(list);
  const lines = await folder.lines(list, 'the list of scores');
  if (lines.length !== paths.length) {
    throw foreignDataSet(path, `a list of ${paths.length} images, as that of templates`, `${lines.length}`);
  }
  return Float32Array.from(lines, ({ text, number }, i) => {
    const words = text.trim().split(/\s+/);
    const score = words.length === 12 ? Number(words[11]) : Number.NaN;
    if (!Number.isFinite(score)) throw malformedLine(path, number, 'an image, five points and a score', `'${text}'`);
    if (listedPath(`loose_crop/${words[0]}`) !== paths[i]) {
      throw malformedLine(path, number, `of ${paths[i]}, as the list of templates`, `'${words[0]}'`);
    }
    return score;
  });
}

function checkTemplates(folder: DataFolder, list: string, known: Int32Array, used: readonly Int32Array[]): void {
  const ids = new Set(known);
  const foreign = new Set<number>();
  for (const templates of used) {
    for (let i = 0; i < templates.length; i++) if (!ids.has(templates[i])) foreign.add(templates[i]);
  }
  if (foreign.size === 0) return;
  const [least] = [...foreign].sort((a, b) => a - b);
  const received = `${foreign.size} without, the least of them ${least}`;
  throw foreignDataSet(folder.path(list), 'a list of templates with images', received);
}

/** Rows of a template, a subject and more, after a header. */
async function readTemplates(folder: DataFolder, list: string, what: string): Promise<LabelledTemplates> {
  const path = folder.path(list);
  const bytes = await folder.bytes(list, what);
  const { parse: parseCsv } = await import('csv-parse/sync');
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    const form = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true };
    rows = parseCsv(bytes, form) as never; // with `info`, which the types do not know
  } catch (cause) {
    throw foreignDataSet(path, 'a CSV file', cause instanceof Error ? cause.message : String(cause));
  }
  const [header, ...others] = rows;
  if (header === undefined || /^\d+$/.test(header.record[0])) {
    throw malformedLine(path, 1, 'a header', `'${header?.record.join(',') ?? ''}'`);
  }
  const subjects = new Map<number, number>();
  for (const { record, info } of others) {
    const line = { text: record.join(','), number: info.lines };
    const template = integerIn(path, line, record[0], [0, 0x7fffffff], 'a template id');
    const subject = integerIn(path, line, record[1], [0, 0x7fffffff], 'a subject id');
    const known = subjects.get(template);
    if (known !== undefined && known !== subject) {
      throw malformedLine(path, line.number, `of subject ${known}, as template ${template} before`, `${subject}`);
    }
    subjects.set(template, subject);
  }
  return { templates: Int32Array.from(subjects.keys()), labels: Int32Array.from(subjects.values()) };
}
