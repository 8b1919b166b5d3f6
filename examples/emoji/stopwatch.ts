/** Where the time went. */
export class Stopwatch {
  readonly #started = performance.now();
  readonly #laps: [name: string, seconds: number][] = [];
  #lapStarted = this.#started;

  /** What ended just now, since the last lap. */
  lap(name: string): void {
    const now = performance.now();
    this.#laps.push([name, (now - this.#lapStarted) / 1000]);
    this.#lapStarted = now;
  }

  seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  summary(): string {
    const laps = this.#laps.map(([name, seconds]) => `${name} ${seconds.toFixed(1)} s`);
    return `${this.seconds().toFixed(1)} s: ${laps.join(', ')}`;
  }
}
