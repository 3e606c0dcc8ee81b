import { describe } from 'vitest';
import { blobIndexSuite } from './blob-index.js';
import { changeLogSuite } from './change-log.js';
import { contentCandidatesSuite } from './content-candidates.js';
import { driveStoreContentsSuite } from './drive-store-contents.js';
import { driveStoreLocksSuite } from './drive-store-locks.js';
import { driveStoreRecordsSuite } from './drive-store-records.js';
import { driveStoreStatementsSuite } from './drive-store-statements.js';
import { driveStoreTransactionsSuite } from './drive-store-transactions.js';
import { driveStoreTransferSuite } from './drive-store-transfer.js';
import { driveStoreTreeSuite } from './drive-store-tree.js';
import { driveStoreVacatedLocksSuite } from './drive-store-vacated-locks.js';
import { driveStoreViewSuite } from './drive-store-view.js';
import { dueDrivesSuite } from './due-drives.js';
import { metadataCheckSuite } from './metadata-check.js';
import type { OpenEngine } from './metadata-fixture.js';
import { pastSuite } from './past.js';
import { pastModelSuite } from './past-model.js';
import { putBackSuite } from './put-back.js';
import { scrubStoreSuite } from './scrub-store.js';
import { signInStateSuite } from './sign-in-state.js';
import { stagedCopiesSuite } from './staged-copies.js';
import { storageHistorySuite } from './storage-history.js';
import { undoSuite } from './undo.js';
import { uploadsSuite } from './uploads.js';

/** The contracts of `MetadataStore`, `ThrottleStore`, `LoginFlowStore`, `ChangeLog`, `Past`, `BlobIndex`, `MetadataCheck`, `StorageHistory` and `ScrubStore`, clause by clause, for one engine. */
export function metadataStoreSuite(name: string, open: OpenEngine): void {
  describe(name, () => {
    driveStoreTransactionsSuite(open);
    driveStoreViewSuite(open);
    driveStoreTreeSuite(open);
    driveStoreTransferSuite(open);
    driveStoreRecordsSuite(open);
    driveStoreLocksSuite(open);
    driveStoreVacatedLocksSuite(open);
    driveStoreContentsSuite(open);
    driveStoreStatementsSuite(open);
    uploadsSuite(open);
    dueDrivesSuite(open);
    signInStateSuite(open);
    stagedCopiesSuite(open);
    changeLogSuite(open);
    pastSuite(open);
    putBackSuite(open);
    undoSuite(open);
    pastModelSuite(open);
    blobIndexSuite(open);
    contentCandidatesSuite(open);
    metadataCheckSuite(open);
    storageHistorySuite(open);
    scrubStoreSuite(open);
  });
}
