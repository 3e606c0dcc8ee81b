import type { Generated } from 'kysely';
import type { FileState } from '../../stores/import-store.js';
import type { JobState } from '../../stores/job-store.js';

/** The tables of migrations/, as both databases give them back. Booleans are 0 and 1. */
export interface Schema {
  revision: { value: number };
  app_user: {
    id: Generated<number>;
    email: string;
    email_key: string;
    name: string;
    password_hash: string;
    password_version: Generated<number>;
    is_admin: number;
    is_disabled: Generated<number>;
    created_at: number;
    refused_at: number | null;
    refused_client: string | null;
    drive_id: number | null;
    second_factor: Generated<number>;
    alerted_at: number | null;
  };
  former_password: { id: Generated<number>; user_id: number; hash: string; replaced_at: number };
  content: {
    key: Generated<number>;
    id: string;
    size: number;
    sha1: string | null;
    md5: string | null;
    stored_at: number;
    bytes: Uint8Array | null;
    place: string | null;
  };
  condemned: { place: string; condemned_at: number };
  sweep_hold: { id: Generated<number>; held_until: number };
  node: NodeTable;
  purge: { node_id: number };
  staged_copy: { node_id: number; held_until: number };
  property: { node_id: number; namespace: string; name: string; xml: string };
  dav_lock: {
    token: string;
    drive_id: number;
    node_id: number;
    user_id: number;
    scope: 'exclusive' | 'shared';
    is_deep: number;
    owner_xml: string | null;
    timeout_seconds: number;
    expires_at: number;
  };
  vacated_lock: {
    token: string;
    drive_id: number;
    parent_id: number;
    name: string;
    user_id: number;
    scope: 'exclusive' | 'shared';
    owner_xml: string | null;
    timeout_seconds: number;
    expires_at: number;
    kept_until: number;
  };
  removal: {
    drive_id: number;
    revision: number;
    parent_id: number;
    name: string;
    is_collection: number;
    removed_at: number;
  };
  sync_gap: { after: number; until: number };
  upload: {
    id: Generated<number>;
    drive_id: number;
    user_id: number;
    scope_id: number;
    name: string;
    size: number | null;
    received: Generated<number>;
    parts: Generated<number>;
    target: string | null;
    created_at: number;
    expires_at: number;
    finished_at: number | null;
  };
  upload_part: {
    upload_id: number;
    name: string;
    number: number;
    size: number;
    content_key: number;
    stored_at: number;
  };
  drive: {
    id: number;
    name: string;
    quota_bytes: number | null;
    upload_max_bytes: number | null;
    root_id: number;
    common_id: number;
    common_bin_id: number;
    created_at: number;
  };
  member: {
    drive_id: number;
    user_id: number;
    role: 'manager' | 'member' | 'viewer';
    quota_bytes: number | null;
    home_id: number;
    bin_id: number;
  };
  trash: {
    node_id: number;
    drive_id: number;
    owner_id: number | null;
    name: string;
    original_path: string;
    deleted_by: number | null;
    deleted_at: number;
  };
  totp: {
    user_id: number;
    secret: string;
    created_at: number;
    confirmed_at: number | null;
    last_step: Generated<number>;
  };
  recovery_code: { user_id: number; selector: string; hash: string; used_at: number | null };
  passkey: {
    id: string;
    user_id: number;
    name: string;
    public_key: Uint8Array;
    counter: number;
    transports: string;
    created_at: number;
    last_used_at: number | null;
  };
  throttle: { counter: string; seconds: number; used: number; ends_at: number };
  login_flow: {
    key: string;
    poll_key: string;
    client: string;
    remote_address: string;
    network: string;
    address: string;
    drive_id: number | null;
    is_web_view: number;
    started_at: number;
    seen_at: number;
    user_id: number | null;
    email: string | null;
    password_version: number | null;
    second_factor: number | null;
    step_key: string | null;
    grant_key: string | null;
    granted_drive_id: number | null;
  };
  challenge: { session_id: number; purpose: string; challenge: string; expires_at: number };
  session: {
    id: Generated<number>;
    key: string;
    user_id: number;
    password_version: number;
    stage: 'second-step' | 'full';
    created_at: number;
    proved_at: number;
    seen_at: number;
    expires_at: number;
    address: string;
    client: string;
  };
  organization: { second_factor_required: number };
  audit: {
    id: Generated<number>;
    at: number;
    kind: string;
    user_id: number | null;
    actor: string;
    address: string;
    client: string;
    details: string;
  };
  damaged_bytes: { id: Generated<number>; content_id: string; bytes: Uint8Array; found_at: number };
  clock_mark: { noted_at: number; expiry_at: number; steady_ms: number };
  storage_point: { day: string; used_bytes: number; files: number };
  job: {
    id: Generated<number>;
    kind: string;
    name: string | null;
    every_minutes: number | null;
    state: JobState;
    run_at: number;
    owner: string | null;
    cancel_asked: number;
    attempts: number;
    user_id: number | null;
    drive_id: number | null;
    parameters: string;
    secret: string | null;
    progress: string | null;
    error: string | null;
    created_at: number;
    started_at: number | null;
    ended_at: number | null;
  };
  import_source: { id: Generated<number>; key: string; drive_id: number };
  import_folder: {
    id: Generated<number>;
    job_id: number;
    href: string;
    target: string;
    state: 'waiting' | 'done' | 'failed';
    reason: string | null;
  };
  import_file: {
    id: Generated<number>;
    source_id: number;
    href: string;
    target: string;
    job_id: number;
    state: FileState;
    reason: string | null;
    stamp: string;
    size: number | null;
    modified: number | null;
    etag: string | null;
    checksum: string | null;
    taken_stamp: string | null;
    blob: string | null;
  };
  app_password: {
    id: Generated<number>;
    user_id: number;
    name: string;
    selector: string;
    hash: string;
    mac: string | null;
    drive_id: number | null;
    scope_id: number | null;
    allowance: 'full' | 'read-only' | 'add-only';
    created_at: number;
    expires_at: number | null;
    revoked_at: number | null;
    last_used_at: number | null;
    last_client: string | null;
    refused_at: number | null;
    refused_client: string | null;
  };
}

export interface NodeTable {
  id: Generated<number>;
  drive_id: number;
  parent_id: number | null;
  name: string;
  is_collection: number;
  content_key: number | null;
  content_id: string | null;
  size: Generated<number>;
  descendants: Generated<number>;
  modified: number;
  created: number;
  revision: number;
  property_bytes: Generated<number>;
  changed: Generated<number>;
  moved: Generated<number>;
}
