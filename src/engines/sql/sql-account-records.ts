import type { Selectable } from 'kysely';
import type { Access, AppPasswordRow, DriveRow, MemberRow, Membership, UserRow } from '../../stores/account-store.js';
import type { AppPasswordId, DriveId, NodeId, UserId } from '../../stores/values.js';
import type { Schema } from './schema.js';
import type { AccessRecord } from './sql-account-statements.js';

/** From the database's rows to those of the seam. */

export function toUser(row: Selectable<Schema['app_user']>): UserRow {
  return {
    id: row.id as UserId,
    email: row.email,
    name: row.name,
    passwordHash: row.password_hash,
    passwordVersion: row.password_version,
    isAdmin: row.is_admin === 1,
    isDisabled: row.is_disabled === 1,
    createdAt: row.created_at,
    ownDriveId: row.drive_id as DriveId | null,
    hasSecondFactor: row.second_factor === 1,
    alertedAt: row.alerted_at,
    refusedAt: row.refused_at,
    refusedClient: row.refused_client,
  };
}

export function toDrive(row: Schema['drive']): DriveRow {
  return {
    id: row.id as DriveId,
    name: row.name,
    quotaBytes: row.quota_bytes,
    uploadMaxBytes: row.upload_max_bytes,
    rootId: row.root_id as NodeId,
    commonId: row.common_id as NodeId,
    commonBinId: row.common_bin_id as NodeId,
    createdAt: row.created_at,
  };
}

export function toMember(row: Schema['member']): MemberRow {
  return {
    driveId: row.drive_id as DriveId,
    userId: row.user_id as UserId,
    role: row.role,
    quotaBytes: row.quota_bytes,
    homeId: row.home_id as NodeId,
    binId: row.bin_id as NodeId,
  };
}

export function toAppPassword(row: Selectable<Schema['app_password']>): AppPasswordRow {
  return {
    id: row.id as AppPasswordId,
    userId: row.user_id as UserId,
    name: row.name,
    selector: row.selector,
    hash: row.hash,
    mac: row.mac,
    driveId: row.drive_id as DriveId | null,
    scopeId: row.scope_id as NodeId | null,
    allowance: row.allowance,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
    lastUsedAt: row.last_used_at,
    lastClient: row.last_client,
    refusedAt: row.refused_at,
    refusedClient: row.refused_client,
  };
}

const FALLEN: Access = { stands: false, membership: null, endsAt: null };

export function toAccess(row: AccessRecord | undefined, userId: UserId): Access {
  return row ? { stands: true, membership: toMembership(row, userId), endsAt: row.ends_at ?? null } : FALLEN;
}

/** Null where the user is no member. */
export function toMembership(row: AccessRecord, userId: UserId): Membership | null {
  if (row.root_id === null || row.drive_id === null) return null;
  return {
    userId,
    email: row.email,
    driveId: row.drive_id as DriveId,
    driveName: row.name,
    role: row.role,
    allowance: row.allowance,
    scopeId: row.scope_id as NodeId | null,
    driveQuotaBytes: row.quota_bytes,
    memberQuotaBytes: row.member_quota_bytes,
    uploadMaxBytes: row.upload_max_bytes,
    rootId: row.root_id as NodeId,
    commonId: row.common_id as NodeId,
    commonBinId: row.common_bin_id as NodeId,
    homeId: row.home_id as NodeId,
    binId: row.bin_id as NodeId,
  };
}
