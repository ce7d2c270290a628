// Waiting that can be cut short, any number of times over, without leaving anything behind at what cuts it short (as
// Promise.race would at a promise that never settles).

export class Interruptible {
  #reject: ((reason: unknown) => void) | null = null;
  #stopped: { readonly reason: unknown } | null = null;

  /** What the promise gives, or the reason of `stop` when that comes first. One wait at a time. */
  wait<T>(promise: Promise<T>): Promise<T> {
    if (this.#stopped !== null) {
      // Nobody wants to know any more how it ends.
      promise.catch(() => undefined);
      return Promise.reject(this.#stopped.reason);
    }
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      promise.then(resolve, reject);
    });
  }

  /** Ends the wait, and every later one, with a reason. Only the first call counts. */
  stop(reason: unknown): void {
    if (this.#stopped !== null) return;
    this.#stopped = { reason };
    this.#reject?.(reason);
  }
}
