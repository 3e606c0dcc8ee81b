import type { Counts } from '../metrics/metrics.js';
import type { Membership } from '../stores/account-store.js';
import type { WriteTurns } from '../stores/write-turns.js';

/** What workers ask the process that started them. */
export interface CallsOfWorkers extends WriteTurns {
  listening(url: string): void;
  /** `GuessesUnderWay`. */
  beginGuess(counter: string): void;
  endGuess(counter: string, isWrong: boolean): void;
  hasGuess(counter: string): boolean;
  guessEnded(counter: string): Promise<void>;
  /** `DriveDependencies.onReceived`. */
  received(drive: Pick<Membership, 'driveId' | 'driveQuotaBytes'>, bytes: number): void;
  /** What /metrics shows: the counts of all processes. */
  metrics(): Promise<string>;
}

/** What it asks its workers. */
export interface CallsToWorkers {
  /** Ends what is being answered, and the process. */
  stop(): void;
  counts(): Promise<Counts>;
}
