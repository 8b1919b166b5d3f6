/** Who may use an object whose asynchronous calls change it or read it: one writer, or any number of readers. */
import { busy, disposed } from './errors.ts';

export class Turns {
  readonly #name: string;
  #writing: string | undefined;
  readonly #reading: string[] = [];
  #isDisposed = false;

  /** `name`: what messages call the object. */
  constructor(name: string) {
    this.#name = name;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Ends the object; calls in flight go on. */
  dispose(): void {
    this.#isDisposed = true;
  }

  /** Throws where a call that changes the object is in flight, and after `dispose`. */
  checkRead(): void {
    if (this.#isDisposed) throw disposed(this.#name);
    if (this.#writing !== undefined) throw busy(this.#name, this.#writing);
  }

  /** Throws where any call is in flight, and after `dispose`. */
  checkWrite(): void {
    this.checkRead();
    if (this.#reading.length > 0) throw busy(this.#name, this.#reading[0]);
  }

  /** Runs a call that changes the object; `call` names it in the messages of those that come meanwhile. */
  async write<Result>(call: string, run: () => Promise<Result>): Promise<Result> {
    this.checkWrite();
    this.#writing = call;
    try {
      return await run();
    } finally {
      this.#writing = undefined;
    }
  }

  /** Runs a call that reads the object. */
  async read<Result>(call: string, run: () => Promise<Result>): Promise<Result> {
    this.checkRead();
    this.#reading.push(call);
    try {
      return await run();
    } finally {
      this.#reading.splice(this.#reading.indexOf(call), 1);
    }
  }
}
