// How much work is done, in a full and in a quick run. Every size that a row's title names comes from here.

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/** @param {boolean} isQuick @param {number | null} manyFiles what the command line says of the store of many files */
export function sizesFor(isQuick, manyFiles) {
  return {
    warmUpSeconds: 1,
    runSeconds: isQuick ? 2 : 5,
    smallFileBytes: 4 * KIB,
    pacedMilliseconds: 8,
    largeFileBytes: isQuick ? 256 * MIB : GIB,
    transferBytes: isQuick ? 128 * MIB : 512 * MIB,
    largeFileRounds: isQuick ? 1 : 3,
    folderMembers: 1000,
    syncFiles: isQuick ? 1000 : 10_000,
    treeRounds: isQuick ? 10 : 50,
    hugeFolderMembers: isQuick ? 10_000 : 100_000,
    hugeUploadBytes: isQuick ? 1e9 : 5e9,
    parallelUploads: 50,
    parallelUploadBytes: 20e6,
    restSeconds: 3,
    manyFiles: manyFiles ?? (isQuick ? 20_000 : 100_000),
    fairManyFiles: isQuick ? 20_000 : 1_000_000,
    fairCopyFiles: isQuick ? 4000 : 200_000,
    fairZipFiles: isQuick ? 4000 : 128_000,
    fairContents: isQuick ? 10_000 : 500_000,
    fairPolls: isQuick ? 100 : 1000,
    fairSecondsMax: 600,
  };
}

/** @typedef {ReturnType<typeof sizesFor>} Sizes */

/** 1 GiB, 5 GB, 256 MiB: the form in which the size is a whole number. @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes % GIB === 0) return `${bytes / GIB} GiB`;
  if (bytes % MIB === 0) return `${bytes / MIB} MiB`;
  if (bytes % KIB === 0 && bytes < MIB) return `${bytes / KIB} KiB`;
  return bytes % 1e9 === 0 ? `${bytes / 1e9} GB` : `${bytes / 1e6} MB`;
}
