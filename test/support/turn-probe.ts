import type { MetadataStore, StoreView } from '../../src/stores/metadata-store.js';

/** What happened between two turns of the event loop, at most, while a probe was on. */
export interface TurnCounts {
  /** Turns of the loop in all. */
  readonly turns: number;
  /** Rows that the stores gave for reads in one turn, at most. */
  readonly rowsATurn: number;
  /** Transactions that read or wrote in one turn, at most. */
  readonly transactionsATurn: number;
}

/** Counts how a server in this process spreads its work over the turns of the event loop: what others wait for. */
export async function countTurns(metadata: MetadataStore, work: () => Promise<unknown>): Promise<TurnCounts> {
  const most = { rows: 0, transactions: 0 };
  let turns = 0;
  let now = { rows: 0, transactions: 0 };
  let isOver = false;
  const endTurn = () => {
    turns++;
    most.rows = Math.max(most.rows, now.rows);
    most.transactions = Math.max(most.transactions, now.transactions);
    now = { rows: 0, transactions: 0 };
  };
  const tick = () => {
    if (isOver) return;
    endTurn();
    setImmediate(tick);
  };
  const { read, write } = metadata;
  metadata.read = (drives, reading) => {
    now.transactions++;
    return read.call(metadata, drives, (view) => reading(counting(view, (rows) => (now.rows += rows)))) as ReturnType<
      typeof reading
    >;
  };
  metadata.write = (drives, writing, options) =>
    write.call(
      metadata,
      drives,
      (transaction) => {
        now.transactions++;
        return writing(transaction);
      },
      options,
    ) as ReturnType<typeof writing>;
  setImmediate(tick);
  try {
    await work();
  } finally {
    isOver = true;
    endTurn();
    metadata.read = read;
    metadata.write = write;
  }
  return { turns, rowsATurn: most.rows, transactionsATurn: most.transactions };
}

/** The view as it is, but that the lists it gives are counted. */
function counting<View extends StoreView>(view: View, onRows: (rows: number) => void): View {
  return new Proxy(view, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...parameters: unknown[]) => {
        const answer: unknown = await Reflect.apply(member, target, parameters);
        if (Array.isArray(answer)) onRows(answer.length);
        return answer;
      };
    },
  });
}
