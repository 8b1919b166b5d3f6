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
  /** Samples say nothing but that 8 MB come along in the 24 of a short run: twice what fragments may be. */
  memory() {
    const start = process.memoryUsage.rss();
    let samples = 0;
    process.memoryUsage.rss = () => start + (++samples * 8e6) / 24;
  },
  /** The native engine has gradients a thousandth too large, always the same, from the first call on. */
  gradient() {
    const { dlopen } = process;
    process.dlopen = (module, ...where) => {
      dlopen.call(process, module, ...where);
      if (module.exports.Session) module.exports.Session = enlarging(module.exports.Session);
    };
  },
};

function enlarging(Session) {
  const larger = (gradient, status) => {
    for (let k = 0; k < (gradient?.length ?? 0); k++) gradient[k] *= 1.001;
    return status;
  };
  return class extends Session {
    compute(...args) {
      return larger(args[8], super.compute(...args));
    }
    computeAsync(...args) {
      const job = super.computeAsync(...args);
      return { done: job.done.then((status) => larger(args[8], status)), abort: () => job.abort() };
    }
  };
}

for (const what of process.env.CIRCLE_LOSS_SPOIL.split(',')) {
  // An engine is as wrong in every thread; the rest happens once.
  if (isMainThread || what === 'gradient') spoil[what]();
}
