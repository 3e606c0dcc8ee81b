import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Schedule } from '../../src/jobs/schedule.js';

const MINUTE = 60_000;

describe('Schedule', () => {
  let logged: { level: string; fields: Record<string, unknown> }[];
  const log = {
    info: (fields: Record<string, unknown>) => logged.push({ level: 'info', fields }),
    error: (fields: Record<string, unknown>) => logged.push({ level: 'error', fields }),
  };
  const make = (...jobs: ConstructorParameters<typeof Schedule>[0]) =>
    new Schedule(jobs, log as unknown as ConstructorParameters<typeof Schedule>[1]);

  beforeEach(() => {
    logged = [];
    vi.useFakeTimers();
  });
  afterEach(() => vi.useRealTimers());

  it('runs each job at its own interval', async () => {
    const runs: string[] = [];
    const schedule = make(
      { name: 'often', everyMinutes: 1, run: async () => void runs.push('often') },
      { name: 'rarely', everyMinutes: 3, run: async () => void runs.push('rarely') },
    );
    schedule.start();
    await vi.advanceTimersByTimeAsync(3 * MINUTE);
    expect(runs).toEqual(['often', 'often', 'often', 'rarely']);
    await schedule.stop();
  });

  it('runs one job at a time', async () => {
    let running = 0;
    let most = 0;
    const run = async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 30_000));
      running--;
    };
    const schedule = make({ name: 'one', everyMinutes: 1, run }, { name: 'other', everyMinutes: 1, run });
    schedule.start();
    await vi.advanceTimersByTimeAsync(5 * MINUTE);
    expect(most).toBe(1);
    const stopped = schedule.stop();
    await vi.advanceTimersByTimeAsync(MINUTE);
    await stopped;
  });

  it('a job that takes longer than its interval doesn’t pile up behind itself', async () => {
    let runs = 0;
    const run = async () => {
      if (runs++ === 0) await new Promise((resolve) => setTimeout(resolve, 10 * MINUTE));
    };
    const schedule = make({ name: 'slow at first', everyMinutes: 1, run });
    schedule.start();
    await vi.advanceTimersByTimeAsync(11.5 * MINUTE);
    expect(runs).toBe(1);
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(runs).toBe(3);
    await schedule.stop();
  });

  it('logs a failure, and tries again at the next time', async () => {
    const error = new Error('the disk is full');
    let runs = 0;
    const run = async () => {
      if (runs++ === 0) throw error;
    };
    const schedule = make({ name: 'failing', everyMinutes: 1, run });
    schedule.start();
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    expect(logged.map(({ level }) => level)).toEqual(['error', 'info']);
    expect(logged[0]!.fields).toEqual({ err: error, job: 'failing' });
    await schedule.stop();
  });

  it('stop waits for the job that is running, and starts no other', async () => {
    let isDone = false;
    let others = 0;
    const schedule = make(
      {
        name: 'long',
        everyMinutes: 1,
        run: async () => {
          await new Promise((resolve) => setTimeout(resolve, 2 * MINUTE));
          isDone = true;
        },
      },
      { name: 'other', everyMinutes: 1, run: async () => void others++ },
    );
    schedule.start();
    await vi.advanceTimersByTimeAsync(MINUTE);
    let isStopped = false;
    const stopped = schedule.stop().then(() => {
      isStopped = true;
    });
    await vi.advanceTimersByTimeAsync(MINUTE);
    expect({ isDone, isStopped }).toEqual({ isDone: false, isStopped: false });
    await vi.advanceTimersByTimeAsync(2 * MINUTE);
    await stopped;
    expect({ isDone, others }).toEqual({ isDone: true, others: 0 });
  });
});
