import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { VersionEntry, VersionsAnswer } from '../../contract/versions.js';
import { versionPage } from './file-api.js';

/** The versions of a file, as far as they were asked for, the newest first. */
export function useVersions(driveId: number, path: string) {
  const [pages, setPages] = useState<readonly VersionsAnswer[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  /** An answer to an earlier question is none to this one. */
  const asked = useRef(0);
  const reload = useCallback(async () => {
    asked.current += 1;
    const mine = asked.current;
    setError(null);
    try {
      const first = await versionPage(driveId, path, null);
      if (mine === asked.current) setPages([first]);
    } catch (reason) {
      if (mine === asked.current) setError(reason);
    }
  }, [driveId, path]);
  useEffect(() => void reload(), [reload]);
  const next = pages?.at(-1)?.next ?? null;
  const more = async () => {
    const mine = asked.current;
    const page = await versionPage(driveId, path, next);
    if (mine === asked.current) setPages([...(pages ?? []), page]);
  };
  const versions: readonly VersionEntry[] | null = pages?.flatMap((page) => page.versions) ?? null;
  return { versions, next, error, reload, more };
}
