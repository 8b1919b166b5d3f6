/** Bars on the terminal: on stderr, and only where that is one. */

export interface Bar {
  advance(by: number): void;
  end(): void;
}

export interface Progress {
  /** One at a time. `total`: how much there is to advance. */
  begin(title: string, total: number): Promise<Bar>;
}

/** A bar draws itself until it is stopped, and keeps the process. */
const running = new Set<{ stop(): void }>();

/** After a failure, before anything is said of it. */
export function stopBars(): void {
  for (const bar of running) bar.stop();
  running.clear();
}

const silent: Progress = { begin: async () => ({ advance: () => {}, end: () => {} }) };

export function terminalProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? { begin: (title, total) => startBar(stream, title, total) } : silent;
}

async function startBar(stream: NodeJS.WriteStream, title: string, total: number): Promise<Bar> {
  const { SingleBar, Presets } = (await import('cli-progress')).default;
  const format = `${title} {bar} {percentage}% | {duration_formatted}`;
  // Without `gracefulExit` the system ends the process at Ctrl-C, at once, whatever it computes.
  // And lines stay wrapped, because nobody would wrap them again.
  const ending = { clearOnComplete: true, gracefulExit: false, hideCursor: false, linewrap: true };
  const bar = new SingleBar({ format, stream, barsize: 24, ...ending }, Presets.shades_classic);
  bar.start(Math.max(1, total), 0);
  running.add(bar);
  const end = () => {
    bar.stop();
    running.delete(bar);
  };
  return { advance: (by) => bar.increment(by), end };
}
