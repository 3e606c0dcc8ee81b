import type { ChangeLog, ChangePosition, ChangeRow, Horizon, RemovalRow, WayStep } from '../../stores/change-log.js';
import type { ChildPosition, NodeRow, TrashRow } from '../../stores/metadata-store.js';
import type { DriveId, NodeId } from '../../stores/values.js';
import * as statements from './change-log-statements.js';
import { nodeOfList, trashOf } from './node-rows.js';
import type { NodeList } from './node-statements.js';
import type { SqlConnection } from './sql-database.js';

const NOTHING = {};

export class SqlChangeLog implements ChangeLog {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async horizon(driveId: DriveId, revision: number): Promise<Horizon> {
    const row = (await statements.horizon.first(this.#connection, { drive: driveId, revision }))!;
    return { last: row.last, forgotten: row.forgotten, isLost: row.is_lost === 1 };
  }

  async changedNodes(driveId: DriveId, after: ChangePosition, limit: number): Promise<ChangeRow[]> {
    const { revision, id } = after;
    const rows = await statements.changedNodes.lists<statements.ChangeList>(this.#connection, {
      drive: driveId,
      revision,
      id,
      limit,
    });
    return rows.map(changeOf);
  }

  async movedCollections(driveId: DriveId, after: number, until: number, limit: number): Promise<ChangeRow[]> {
    const rows = await statements.movedCollections.lists<statements.ChangeList>(this.#connection, {
      drive: driveId,
      after,
      until,
      limit,
    });
    return rows.map(changeOf);
  }

  async removals(driveId: DriveId, after: number, limit: number): Promise<RemovalRow[]> {
    const rows = await statements.removals.all(this.#connection, { drive: driveId, after, limit });
    return rows.map((row) => ({
      revision: row.revision,
      parentId: row.parent_id as NodeId,
      name: row.name,
      isCollection: row.is_collection === 1,
    }));
  }

  async ancestorChains(ids: readonly NodeId[], anchors: readonly NodeId[]): Promise<WayStep[]> {
    const rows = await statements.ancestorChains.all(this.#connection, {
      ids: JSON.stringify(ids),
      anchors: JSON.stringify(anchors),
    });
    return rows.map((row) => ({
      id: row.id as NodeId,
      parentId: row.parent_id as NodeId | null,
      name: row.name,
      moved: row.moved,
    }));
  }

  async membersBelow(ids: readonly NodeId[], after: ChildPosition, limit: number): Promise<NodeRow[]> {
    const rows = await statements.membersBelow.lists<NodeList>(this.#connection, {
      ids: JSON.stringify(ids),
      afterParent: after.parentId,
      afterName: after.name,
      limit,
    });
    return rows.map(nodeOfList);
  }

  async bound(places: readonly ChildPosition[]) {
    const wanted = JSON.stringify(places.map(({ parentId, name }) => [parentId, name]));
    const rows = await statements.bound.all(this.#connection, { places: wanted });
    return rows.map((row) => ({
      parentId: row.parent_id as NodeId,
      name: row.name,
      isCollection: row.is_collection === 1,
    }));
  }

  async deletions(ids: readonly NodeId[]): Promise<TrashRow[]> {
    return (await statements.deletions.all(this.#connection, { ids: JSON.stringify(ids) })).map(trashOf);
  }

  async lastRestoration(): Promise<number | null> {
    return (await statements.lastRestoration.first(this.#connection, NOTHING))!.until;
  }

  async prune(driveId: DriveId, removedBefore: number, limit: number): Promise<number> {
    const wanted = { drive: driveId, before: removedBefore, limit };
    const rows = await statements.pruneRemovals.all(this.#connection, wanted);
    if (rows.length === 0) return 0;
    const until = rows.reduce((greatest, { revision }) => Math.max(greatest, revision), 0);
    await statements.noteForgotten.run(this.#connection, { drive: driveId, until });
    return rows.length;
  }
}

function changeOf(row: statements.ChangeList): ChangeRow {
  return { node: nodeOfList(row), changed: row[12], moved: row[13] };
}
