/** Loaded before the soak, spoils what CIRCLE_LOSS_SPOIL names, so that a test sees the soak notice. */
import crypto from 'node:crypto';
import { openSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const spoil = {
  /** One result in fifty has other bits. */
  result() {
    const { createHash } = crypto;
    let calls = 0;
    crypto.createHash = (...args) => {
      const hash = createHash(...args);
      return ++calls % 50 === 0 ? hash.update('spoiled') : hash;
    };
    syncBuiltinESMExports();
  },
  /** Files are opened, and nobody closes them. */
  files() {
    setInterval(() => openSync('/dev/null'), 500).unref();
  },
  /** Each sample of the resident memory is a megabyte above the last. */
  memory() {
    const { rss } = process.memoryUsage;
    let samples = 0;
    process.memoryUsage.rss = () => rss() + ++samples * 1e6;
  },
};

if (isMainThread) for (const what of process.env.CIRCLE_LOSS_SPOIL.split(',')) spoil[what]();
