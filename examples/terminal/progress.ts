/** One progress bar at a time; where the output is no terminal, a line every few seconds. */
import { type Options, Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** `note` stands behind the bar. */
  advance(note?: string): void;
  stop(): void;
}

export function startProgress(title: string, total: number): Progress {
  const options: Options = {
    format: `${title.padEnd(22)} {bar} {percentage}% | {value}/{total} | {duration} s | {note}`,
    noTTYOutput: true,
    notTTYSchedule: 5_000,
    hideCursor: true,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(total, 0, { note: '' });
  return {
    advance: (note) => bar.increment(1, note === undefined ? {} : { note }),
    stop: () => bar.stop(),
  };
}
