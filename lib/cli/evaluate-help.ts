/** What `circle-loss evaluate --help` says beside the options. */
import { exitCodes } from './exit-codes.ts';

export const evaluateHelp = `
Sources of labels, cameras and splits, one value a row:
  values.npy        integers
  values.bin        raw int32, or uint8 where there are as many bytes as rows
  table.csv:COLUMN  a column of a CSV file, which may be the embeddings' own
  values.txt        any other name: text, one value a line
Labels and cameras may be names; where all are integers they are taken as such.

Protocols of data sets read its folder (--root) and take labels, cameras, pairs and templates from there; --paths says which
image each row is. Without --paths rows of ijb-b, ijb-c and megaface stand in the order of the data set's list.

Examples:
  $ circle-loss evaluate birds.npy --labels birds.txt
  $ circle-loss evaluate birds.bin --dim 512 --labels labels.bin --split split.bin --recall-at 1,10,100 --json
  $ circle-loss evaluate leaves.csv --labels leaves.csv:species --html report.html
  $ circle-loss evaluate query.npy --labels q.txt --cameras qc.txt --protocol reid \\
      --gallery gallery.npy --gallery-labels g.txt --gallery-cameras gc.txt
  $ circle-loss evaluate faces.npy --labels faces.txt --protocol verification --far 1e-2,1e-4
  $ circle-loss evaluate lfw.npy --protocol lfw --root lfw --paths lfw.txt --thresholds grid
  $ circle-loss evaluate market.npy --protocol market1501 --root Market-1501-v15.09.15 --paths market.txt
${exitCodes}`;
