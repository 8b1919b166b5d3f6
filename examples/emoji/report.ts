/** The report: one HTML file with everything in it. What it says is here; how it looks is in `report.eta`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Eta } from 'eta';
import { type Catalogue, drawPng } from '../data/catalogue.ts';
import { drawLossCurve } from './chart.ts';

export interface Measure {
  name: string;
  before: number;
  after: number;
}

/** A picture that asks, and those nearest to it before and after training: pictures of the catalogue. */
export interface Answer {
  query: number;
  before: readonly number[];
  after: readonly number[];
}

export interface AnswerSection {
  title: string;
  answers: readonly Answer[];
}

export type Fact = readonly [name: string, value: string];

export interface ReportContent {
  measures: readonly Measure[];
  losses: readonly number[];
  sections: readonly AnswerSection[];
  /** What was run, on what, and for how long. */
  facts: readonly Fact[];
}

interface Picture {
  source: string;
  name: string;
  vendor: string;
  isMatch: boolean;
}

/** Twice the size at which they are shown: sharp on dense screens. */
const drawnSize = 112;

export async function writeReport(file: string, catalogue: Catalogue, content: ReportContent): Promise<void> {
  const eta = new Eta({ views: import.meta.dirname, autoEscape: true });
  const html = eta.render('report.eta', {
    measures: content.measures,
    lossCurve: drawLossCurve(content.losses, 960, 300),
    sections: await Promise.all(
      content.sections.map(async ({ title, answers }) => ({
        title,
        answers: await Promise.all(answers.map((answer) => illustrate(catalogue, answer))),
      })),
    ),
    facts: content.facts,
    vendors: catalogue.vendors,
  });
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, html);
}

async function illustrate(catalogue: Catalogue, { query, before, after }: Answer) {
  const draw = (row: number) => drawPicture(catalogue, row, query);
  return {
    query: await draw(query),
    before: await Promise.all(before.map(draw)),
    after: await Promise.all(after.map(draw)),
  };
}

async function drawPicture(catalogue: Catalogue, row: number, query: number): Promise<Picture> {
  const { names, labels, drawnBy, vendors } = catalogue;
  const png = await drawPng(catalogue, row, drawnSize);
  return {
    source: `data:image/png;base64,${png.toString('base64')}`,
    name: names[labels[row]].replaceAll('-', ' '),
    vendor: vendors[drawnBy[row]].info.name,
    isMatch: labels[row] === labels[query],
  };
}
