import type { MetadataStore, StoreTransaction, StoreView } from '../../src/stores/metadata-store.js';

export type Stores = Pick<StoreTransaction, 'accounts' | 'security' | 'jobs' | 'imports'>;

/** Names of the calls that a snapshot has, too. */
const READS =
  /^(?:find|list|count|is[A-Z]|lacks|former|waiting|failed|filesIn|members|drivesOf|memberships|sessions|passkeys|audit$|access$)/;

/** The stores with each call a transaction of its own. */
export function singleCalls(metadata: MetadataStore): Stores {
  const bind = <Name extends keyof Stores>(name: Name) =>
    new Proxy({} as Stores[Name], {
      get:
        (_none, call: string) =>
        (...values: unknown[]) => {
          const ask = (stores: StoreView): Promise<unknown> => {
            const store: object = stores[name];
            return Reflect.apply(Reflect.get(store, call), store, values);
          };
          return READS.test(call) ? metadata.readOne([], ask) : metadata.write([], ask);
        },
    });
  return { accounts: bind('accounts'), security: bind('security'), jobs: bind('jobs'), imports: bind('imports') };
}
