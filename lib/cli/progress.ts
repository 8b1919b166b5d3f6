/** Bars on the terminal: on stderr, and only where that is one. */

export interface Bar {
  advance(by: number): void;
  end(): void;
}

export interface Progress {
  /** One at a time. `total`: how much there is to advance. */
  begin(title: string, total: number): Promise<Bar>;
}

const silent: Progress = { begin: async () => ({ advance: () => {}, end: () => {} }) };

export function terminalProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? { begin: (title, total) => startBar(stream, title, total) } : silent;
}

async function startBar(stream: NodeJS.WriteStream, title: string, total: number): Promise<Bar> {
  const { SingleBar, Presets } = (await import('cli-progress')).default;
  const format = `${title} {bar} {percentage}% | {duration_formatted}`;
  // Without `gracefulExit` the system ends the process at Ctrl-C, at once, whatever it computes.
  const options = { format, stream, clearOnComplete: true, gracefulExit: false, hideCursor: false, barsize: 24 };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(Math.max(1, total), 0);
  return { advance: (by) => bar.increment(by), end: () => bar.stop() };
}
