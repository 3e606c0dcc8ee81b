import type { LoginFlowChange, LoginFlowRow, LoginFlowStore } from '../../stores/login-flow-store.js';
import type { DriveId, UserId } from '../../stores/values.js';
import * as statements from './sign-in-statements.js';
import type { SqlConnection } from './sql-database.js';

export class SqlLoginFlowStore implements LoginFlowStore {
  readonly #connection: SqlConnection;

  constructor(connection: SqlConnection) {
    this.#connection = connection;
  }

  async insert(flow: LoginFlowRow): Promise<void> {
    const { key, pollKey, client, remoteAddress, network, address, driveId, isWebView, startedAt, seenAt } = flow;
    const facts = { key, pollKey, client, remoteAddress, network, address, drive: driveId, isWebView };
    await statements.insertLoginFlow.run(this.#connection, { ...facts, startedAt, seenAt });
  }

  async find(key: string): Promise<LoginFlowRow | null> {
    return flowOf(await statements.findLoginFlow.first(this.#connection, { key }));
  }

  async findByPollKey(pollKey: string): Promise<LoginFlowRow | null> {
    return flowOf(await statements.findLoginFlowByPollKey.first(this.#connection, { pollKey }));
  }

  async update(key: string, change: LoginFlowChange): Promise<void> {
    const flow = await this.find(key);
    if (!flow) return;
    const { seenAt, person, stepKey, grantKey, grantedDriveId } = { ...flow, ...change };
    await statements.updateLoginFlow.run(this.#connection, {
      key,
      seenAt,
      user: person?.userId ?? null,
      email: person?.email ?? null,
      version: person?.passwordVersion ?? null,
      secondFactor: person?.hasSecondFactor ?? null,
      stepKey,
      grantKey,
      granted: grantedDriveId,
    });
  }

  async remove(key: string): Promise<boolean> {
    return (await statements.removeLoginFlow.run(this.#connection, { key })) > 0;
  }

  async count(network: string | null): Promise<number> {
    const row =
      network === null
        ? await statements.countLoginFlows.first(this.#connection, {})
        : await statements.countLoginFlowsOf.first(this.#connection, { network });
    return row?.count ?? 0;
  }

  async removeAbandoned(network: string | null, seenBefore: number): Promise<boolean> {
    const removed =
      network === null
        ? await statements.removeAbandonedLoginFlow.run(this.#connection, { seenBefore })
        : await statements.removeAbandonedLoginFlowOf.run(this.#connection, { network, seenBefore });
    return removed > 0;
  }

  async removeOutside(after: number, before: number): Promise<void> {
    await statements.removeLoginFlowsOutside.run(this.#connection, { after, before });
  }
}

function flowOf(row: statements.LoginFlowRecord | undefined): LoginFlowRow | null {
  if (!row) return null;
  const { user_id: userId, email, password_version: passwordVersion } = row;
  return {
    key: row.key,
    pollKey: row.poll_key,
    client: row.client,
    remoteAddress: row.remote_address,
    network: row.network,
    address: row.address,
    driveId: row.drive_id as DriveId | null,
    isWebView: row.is_web_view === 1,
    startedAt: row.started_at,
    seenAt: row.seen_at,
    person:
      userId === null || email === null || passwordVersion === null
        ? null
        : { userId: userId as UserId, email, passwordVersion, hasSecondFactor: row.second_factor === 1 },
    stepKey: row.step_key,
    grantKey: row.grant_key,
    grantedDriveId: row.granted_drive_id as DriveId | null,
  };
}
