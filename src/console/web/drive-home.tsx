import { useEffect } from 'preact/hooks';
import { drives, drivesError, loadDrives, pickDrive } from './drives.js';
import { DRIVE_PAGES } from './pages.js';
import { decodePath, href, navigate } from './router.js';
import { currentUser } from './session.js';
import { useStore } from './store.js';
import { common } from './strings.js';
import { LinkButton } from './ui/button.js';
import { EmptyState, LoadFailed, Skeleton } from './ui/feedback.js';
import { NothingHere } from './ui/page.js';

/** `/NAME/DRIVE-ID/…`; what is missing of it is put in. */
export function DriveHome({ path }: { readonly path: string }) {
  const all = useStore(drives);
  const error = useStore(drivesError);
  const [, name = '', id = '', ...rest] = path.split('/');
  const page = name || 'files';
  const drive = all && pickDrive(all, id || null);
  const isElsewhere = drive && String(drive.id) !== id;
  useEffect(() => {
    if (isElsewhere && id === '') navigate(`/${page}/${drive.id}/`, { replace: true });
  }, [isElsewhere, page, id]);
  if (!all) return error ? <LoadFailed error={error} onRetry={loadDrives} /> : <Skeleton lines={6} />;
  if (!drive) return <NoDrive />;
  if (isElsewhere) return id === '' ? null : <NothingHere />;
  const Page = DRIVE_PAGES.get(page)!;
  return <Page key={drive.id} drive={drive} path={`/${decodePath(rest.join('/'))}`} />;
}

function NoDrive() {
  const { isAdmin } = currentUser();
  const action = isAdmin ? (
    <LinkButton look="primary" href={href('/admin/drives')}>
      {common.makeDrive}
    </LinkButton>
  ) : null;
  return (
    <EmptyState title={common.noDriveTitle} action={action} isPage>
      {isAdmin ? common.noDriveAdmin : common.noDrive}
    </EmptyState>
  );
}
