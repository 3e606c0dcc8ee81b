import type { NodeRow } from '../../stores/metadata-store.js';
import type { CopiedNode, StagedCopies, StagedMember } from '../../stores/staged-copies.js';
import type { DriveId, NodeId } from '../../stores/values.js';
import { nodeOf } from './node-rows.js';
import * as nodes from './node-statements.js';
import type { SqlConnection } from './sql-database.js';
import * as staged from './staged-copy-statements.js';

export class SqlStagedCopies implements StagedCopies {
  constructor(
    private readonly connection: SqlConnection,
    private readonly signature: nodes.Signature,
  ) {}

  async begin(source: NodeRow, driveId: DriveId, heldUntil: number): Promise<NodeId> {
    const [top] = await this.#insert(driveId, [{ id: source.id, into: null }]);
    await staged.insertStagedCopy.run(this.connection, { id: top!.copyId, until: heldUntil });
    await this.copyProperties([top!]);
    return top!.copyId;
  }

  async hold(copyId: NodeId, heldUntil: number): Promise<boolean> {
    return (await staged.holdStagedCopy.run(this.connection, { id: copyId, until: heldUntil })) > 0;
  }

  add(driveId: DriveId, members: readonly StagedMember[]): Promise<CopiedNode[]> {
    return this.#insert(driveId, members);
  }

  async copyProperties(copied: readonly CopiedNode[]): Promise<void> {
    const copies = JSON.stringify(copied.map(({ id, copyId }) => [id, copyId]));
    await staged.copyPropertiesOf.run(this.connection, { copies });
  }

  async release(copyId: NodeId): Promise<NodeRow | null> {
    if ((await staged.removeStagedCopy.run(this.connection, { id: copyId })) === 0) return null;
    const row = await nodes.findNodes.first(this.connection, { ids: JSON.stringify([copyId]) });
    return row ? nodeOf(row) : null;
  }

  async abandon(copyId: NodeId): Promise<void> {
    await abandonCopy(this.connection, copyId);
  }

  async #insert(
    driveId: DriveId,
    members: readonly { readonly id: NodeId; readonly into: NodeId | null }[],
  ): Promise<CopiedNode[]> {
    const { value: revision } = (await nodes.nextRevision.first(this.connection, {}))!;
    const ids = await staged.nextNodeIds(this.connection, members.length);
    const copied = members.map(({ id }, index) => ({ id, copyId: ids[index] as NodeId }));
    const copies = JSON.stringify(members.map(({ id, into }, index) => [copied[index]!.copyId, into, id]));
    await staged.insertCopies.run(this.connection, { copies, drive: driveId, revision, ...this.signature });
    return copied;
  }
}

/** Leaves a staged copy to the purge; nothing where it isn't one any more. */
export async function abandonCopy(connection: SqlConnection, id: number): Promise<void> {
  if ((await staged.removeStagedCopy.run(connection, { id })) > 0)
    await nodes.insertPurges.run(connection, { ids: JSON.stringify([id]) });
}
