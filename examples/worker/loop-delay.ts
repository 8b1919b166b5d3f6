/** How late the timers of this thread come: what an event that is ready waits until the loop gets to it. */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** Milliseconds between the timers whose lateness is measured. */
const resolution = 10;

export class LoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution });

  /** Measures from now on. */
  constructor() {
    this.#histogram.enable();
  }

  stop(): void {
    this.#histogram.disable();
  }

  /** Milliseconds. The histogram holds nanoseconds from one timer to the next, which is `resolution` where none is late. */
  percentile(percentile: number): number {
    return Math.max(0, this.#histogram.percentile(percentile) / 1e6 - resolution);
  }
}
