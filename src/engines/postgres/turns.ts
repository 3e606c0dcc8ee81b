import type { DriveId } from '../../stores/values.js';
import { Mutex } from '../mutex.js';

/** What is of no drive. */
const NO_DRIVE = 0;

/**
 * Lets the writes of one process wait for each other here, and not on a connection each: those of one drive run one after the other,
 * in the order of their calls. Other processes wait for the drive's row.
 */
export class Turns {
  readonly #turns = new Map<number, { readonly mutex: Mutex; users: number }>();
  #waiting = 0;

  get waiting(): number {
    return this.#waiting;
  }

  /** `drives` in ascending order, each once; those of none wait for each other. */
  async take<T>(drives: readonly DriveId[], work: () => Promise<T>): Promise<T> {
    const keys: readonly number[] = drives.length === 0 ? [NO_DRIVE] : drives;
    this.#waiting++;
    let isWaiting = true;
    const begin = (): Promise<T> => {
      isWaiting = false;
      this.#waiting--;
      return work();
    };
    try {
      return await keys.reduceRight<() => Promise<T>>((inner, key) => () => this.#takeOne(key, inner), begin)();
    } finally {
      if (isWaiting) this.#waiting--;
    }
  }

  async #takeOne<T>(key: number, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(key) ?? { mutex: new Mutex(), users: 0 };
    this.#turns.set(key, turn);
    turn.users++;
    try {
      return await turn.mutex.take(work);
    } finally {
      if (--turn.users === 0) this.#turns.delete(key);
    }
  }
}
