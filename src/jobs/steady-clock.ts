import { uptime } from 'node:os';
import type { ClockMark, ClockStore } from '../stores/clock-store.js';

const HOUR_MS = 3_600_000;
/** A server that has just started may not have asked for the time yet, in milliseconds. */
const SETTLE_MS = 10 * 60_000;
/** How far the clock may be from the time that passed between two looks, in milliseconds: it was set a little. */
const DRIFT_MS = 10 * 60_000;
/** So long a server may have been off that nobody wonders, in milliseconds. */
const OFF_MS = 24 * HOUR_MS;
/** A clock that has jumped is believed again when it has been steady for this long, in milliseconds. */
const STEADY_MS = 24 * HOUR_MS;
/** What expires then comes by and by: a day of it an hour, so that somebody may notice. */
const CATCH_UP = 24;

/** What the clock is worth at a moment. Times are milliseconds since 1970. */
export interface ClockReading {
  readonly now: number;
  /** The time by which things expire: never ahead of `now`. 0: nothing does yet. */
  readonly expiryAt: number;
  /** It agrees with the time that passed since the last look. */
  readonly isSteady: boolean;
  /** It has agreed for a day. */
  readonly isTrusted: boolean;
}

export interface SteadyClockOptions {
  readonly store: ClockStore;
  /** Called with how far the clock has jumped, in milliseconds. */
  readonly onJump: (jumpMs: number) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** Milliseconds since some moment, whatever the clock is set to. */
  readonly passed?: () => number;
}

/**
 * The time by which things expire that can't be got back. A clock may be wrong: a board without a battery starts in 1970
 * or in the year of its image, an operator mistypes. So this time moves as fast as time passes, and follows the clock
 * where it agrees with that; a clock that has jumped has to be steady for a day of uptime first, counted over restarts.
 */
export class SteadyClock {
  readonly #store: ClockStore;
  readonly #onJump: (jumpMs: number) => void;
  readonly #now: () => number;
  readonly #passed: () => number;
  readonly #startedAt: number;
  /** On the scale of `passed`; null before the first look. */
  #lookedAt: number | null = null;
  /** What this process noted last. */
  #notedAt: number | null = null;

  constructor({ store, onJump, now = Date.now, passed = timePassed }: SteadyClockOptions) {
    this.#store = store;
    this.#onJump = onJump;
    this.#now = now;
    this.#passed = passed;
    this.#startedAt = passed();
  }

  /** Milliseconds since 1970, right or wrong. */
  now(): number {
    return this.#now();
  }

  /** Looks at the clock and remembers it. To be called by each job that lets things expire. */
  async look(): Promise<ClockReading> {
    const [now, passed] = [this.#now(), this.#passed()];
    const mark = await this.#store.readMark();
    const isFirst = this.#lookedAt === null;
    const own = passed - (this.#lookedAt ?? this.#startedAt);
    // Another server has looked since: less time has passed than since the last look from here.
    const isOthers = !isFirst && mark.notedAt !== this.#notedAt;
    const elapsed = isOthers ? Math.min(own, Math.max(0, now - mark.notedAt)) : own;
    const jump = mark.notedAt === 0 ? 0 : jumpOf(now - mark.notedAt, elapsed, isFirst);
    if (passed - this.#startedAt < SETTLE_MS) return read(mark, now, jump === 0);
    this.#lookedAt = passed;
    this.#notedAt = now;
    if (jump !== 0) this.#onJump(jump);
    const next = advance(mark, now, elapsed, jump === 0);
    await this.#store.putMark(next);
    return read(next, now, jump === 0);
  }
}

function read(mark: ClockMark, now: number, isSteady: boolean): ClockReading {
  const isTrusted = isSteady && mark.steadyMs >= STEADY_MS;
  return { now, expiryAt: Math.min(now, mark.expiryAt), isSteady, isTrusted };
}

/** How far the clock is from the time that passed; 0 where that is well explained. */
function jumpOf(difference: number, elapsed: number, isFirst: boolean): number {
  // A server's first look may come after hours in which it was off.
  const [least, most] = isFirst ? [0, elapsed + OFF_MS] : [elapsed, elapsed];
  return difference < least - DRIFT_MS || difference > most + DRIFT_MS ? difference - elapsed : 0;
}

function advance(mark: ClockMark, now: number, elapsed: number, isSteady: boolean): ClockMark {
  if (mark.notedAt === 0) return { notedAt: now, expiryAt: now, steadyMs: 0 };
  const steadyMs = isSteady ? Math.min(mark.steadyMs + elapsed, STEADY_MS) : 0;
  const isTrusted = steadyMs >= STEADY_MS;
  const lag = now - mark.expiryAt;
  // It was ahead for long enough to be believed, and is right again.
  if (lag <= 0) return { notedAt: now, expiryAt: isTrusted ? now : mark.expiryAt, steadyMs };
  const passed = isSteady ? Math.max(0, now - mark.notedAt) : elapsed;
  const step = passed + (isTrusted ? elapsed * CATCH_UP : 0);
  return { notedAt: now, expiryAt: mark.expiryAt + Math.min(lag, step), steadyMs };
}

/** On Linux with the time that the machine slept, which is no jump of the clock. */
function timePassed(): number {
  return process.platform === 'linux' ? uptime() * 1000 : performance.now();
}
