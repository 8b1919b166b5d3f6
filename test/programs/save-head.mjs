/** Saves a class head of `rows` × 64 to `path`, `times` times or, of 0, until somebody ends the process. */
import { createClassHead } from '../../dist/index.mjs';

const [path, rows, times] = process.argv.slice(2);
const optimizer = { type: 'adam', learningRate: 0.1 };
const head = createClassHead({
  classes: Number(rows),
  dim: 64,
  pairLoss: { type: 'circle' },
  optimizer,
  engine: 'cpu',
});
for (let i = 0; Number(times) === 0 || i < Number(times); i++) {
  try {
    await head.save(path);
    console.log('saved');
  } catch (error) {
    console.log(`${error.code}: ${error.message}`);
  }
}
