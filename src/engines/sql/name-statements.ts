import type { Kysely } from 'kysely';
import { keyOf } from './content-statements.js';
import type { Fragments } from './dialect.js';
import { begun, type Signature } from './node-statements.js';
import type { Schema } from './schema.js';
import { statement } from './statement.js';

/** Statements that take a name. Of two forms, the second is for a name that is known to be free, and has nothing to answer. */

type Inserted = {
  drive: number;
  parent: number;
  name: string;
  isCollection: number;
  content: string | null;
  key: number | null;
  size: number;
  modified: number;
  created: number;
  revision: number;
} & { [Key in keyof Signature]: Signature[Key] };

type Bound = { id: number; parent: number; name: string; revision: number } & {
  [Key in keyof Signature]: Signature[Key];
};

type Parameter<Values> = <Name extends keyof Values>(name: Name) => Values[Name];

function rowOf(p: Parameter<Inserted>, d: Fragments) {
  return {
    drive_id: p('drive'),
    parent_id: p('parent'),
    name: p('name'),
    is_collection: p('isCollection'),
    content_key: keyOf(p, d),
    content_id: p('content'),
    size: p('size'),
    modified: p('modified'),
    created: p('created'),
    revision: p('revision'),
    changed: p('revision'),
    changed_at: p('at'),
    changed_by: p('by'),
    changed_with: p('with'),
  };
}

export const insertNode = statement<Inserted>()((db, p, d) =>
  db
    .insertInto('node')
    .values(rowOf(p, d))
    .$if(d.skipsTaken, (insertion) => insertion.onConflict((conflict) => conflict.doNothing()))
    .returning(['id', 'content_key']),
);

export const insertNodeFreely = statement<Inserted & { id: number }>()((db, p, d) =>
  db.insertInto('node').values({ id: p('id'), ...rowOf(p, d) }),
);

function binding(db: Kysely<Schema>, p: Parameter<Bound>, d: Fragments) {
  return db
    .updateTable('node')
    .set({
      ...begun(p, d),
      parent_id: p('parent'),
      name: p('name'),
      revision: p('revision'),
      changed: p('revision'),
      moved: p('revision'),
    })
    .where('id', '=', p('id'));
}

export const bindNode = statement<Bound>()((db, p, d) =>
  binding(db, p, d).$if(d.skipsTaken, (update) =>
    update.where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('node as other')
            .select('other.id')
            .where('other.parent_id', '=', p('parent'))
            .where('other.name', '=', p('name'))
            .where('other.id', '<>', p('id')),
        ),
      ),
    ),
  ),
);

export const bindNodeFreely = statement<Bound>()((db, p, d) => binding(db, p, d));
