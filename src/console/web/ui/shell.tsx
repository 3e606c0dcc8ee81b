import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { drives, loadDrives, pickDrive } from '../drives.js';
import { formatBytes } from '../format.js';
import { href, navigate, place } from '../router.js';
import { currentUser } from '../session.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { AccountMenu } from './account-menu.js';
import { Button, LinkButton } from './button.js';
import { Notice, Progress } from './feedback.js';
import * as icons from './icons.js';
import { Menu } from './menu.js';

/** Navigation beside the page; on phones it is a sheet that a button opens. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  const here = useStore(place);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => void loadDrives(), []);
  // Another page begins at its top, and who can't see hears its name.
  const page = here.path.split('/').slice(0, 3).join('/');
  useEffect(() => {
    setOpen(false);
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
    scrollTo(0, 0);
  }, [page]);
  return (
    <div class={isOpen ? 'shell open' : 'shell'}>
      <a class="skip" href="#content">
        {common.skip}
      </a>
      <header class="top">
        <Button
          look="quiet"
          label={isOpen ? common.closeNavigation : common.openNavigation}
          icon={isOpen ? <icons.CloseIcon /> : <icons.MenuIcon />}
          onClick={() => setOpen(!isOpen)}
        />
        <Brand />
      </header>
      <nav class="rail" aria-label={common.navigation} onKeyDown={(event) => event.key === 'Escape' && setOpen(false)}>
        <Brand />
        <Navigation />
        <AccountMenu />
      </nav>
      {/* biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useKeyWithClickEvents: the button in the head and Escape do the same */}
      <div class="rail-veil" onClick={() => setOpen(false)} />
      <main id="content" ref={main} tabIndex={-1}>
        {currentUser().isAlerted ? <Alert /> : null}
        {children}
      </main>
    </div>
  );
}

function Brand() {
  return (
    <a class="brand" href={href('/')}>
      <icons.Mark size={30} />
      <span>{common.appName}</span>
    </a>
  );
}

function Navigation() {
  const { path } = useStore(place);
  const all = useStore(drives) ?? [];
  const [, page = '', id = ''] = path.split('/');
  const drive = pickDrive(all, /^(files|trash|connect)$/.test(page) ? id : null);
  const within = (name: string) => (drive ? `/${name}/${drive.id}/` : `/${name}`);
  return (
    <div class="places">
      <DriveChoice id={drive?.id ?? null} page={page} />
      <ul>
        <Place to={within('files')} text={common.files} icon={<icons.FilesIcon />} />
        <Place to={within('trash')} text={common.trash} icon={<icons.TrashIcon />} />
        <Place to={within('connect')} text={common.connect} icon={<icons.DevicesIcon />} />
      </ul>
      <h2>{common.account}</h2>
      <ul>
        <Place to="/app-passwords" text={common.appPasswords} icon={<icons.KeyIcon />} />
        <Place to="/imports" text={common.imports} icon={<icons.ImportIcon />} />
        <Place to="/security" text={common.security} icon={<icons.ShieldIcon />} />
      </ul>
      {currentUser().isAdmin ? (
        <>
          <h2>{common.administration}</h2>
          <ul>
            <Place to="/admin/users" text={common.users} icon={<icons.UsersIcon />} />
            <Place to="/admin/drives" text={common.drives} icon={<icons.DriveIcon />} />
            <Place to="/admin/storage" text={common.storage} icon={<icons.ChartIcon />} />
            <Place to="/admin/audit" text={common.auditLog} icon={<icons.ListIcon />} />
          </ul>
        </>
      ) : null}
    </div>
  );
}

function Place(props: { readonly to: string; readonly text: string; readonly icon: ComponentChildren }) {
  const { path } = useStore(place);
  const depth = props.to.startsWith('/admin') ? 3 : 2;
  const start = (whole: string) => whole.split('/').slice(0, depth).join('/');
  const isHere = start(path) === start(props.to) || (path === '/' && props.to.startsWith('/files'));
  return (
    <li>
      <a href={href(props.to)} aria-current={isHere ? 'page' : undefined}>
        {props.icon}
        <span>{props.text}</span>
      </a>
    </li>
  );
}

/** Which drive is looked at, how full it is, and the others. */
function DriveChoice({ id, page }: { readonly id: number | null; readonly page: string }) {
  const all = useStore(drives) ?? [];
  const drive = all.find((one) => one.id === id);
  if (!drive) return null;
  const { usedBytes, availableBytes } = drive;
  const quota = availableBytes === null ? null : usedBytes + availableBytes;
  const to = /^(files|trash|connect)$/.test(page) ? page : 'files';
  const name = (
    <>
      <span class="clip">{drive.name}</span>
      <span class="drive-id number">{drive.id}</span>
    </>
  );
  const used = formatBytes(usedBytes);
  return (
    <div class="drive-choice">
      {all.length > 1 ? (
        <Menu
          label={common.chooseDrive}
          side="start"
          text={
            <>
              {name}
              <icons.ChevronDownIcon size={16} />
            </>
          }
          choices={all.map((one) => ({
            text: `${one.name} · ${one.id}`,
            icon: <icons.DriveIcon size={18} />,
            isChosen: one.id === id,
            onChoose: () => navigate(`/${to}/${one.id}/`),
          }))}
        />
      ) : (
        <p class="drive-name">{name}</p>
      )}
      {quota === null ? null : <Progress isQuota part={quota === 0 ? 1 : usedBytes / quota} label={common.storage} />}
      <p class="drive-use number">
        {quota === null ? common.usedOnly(used) : common.ofQuota(used, formatBytes(quota))}
      </p>
    </div>
  );
}

function Alert() {
  return (
    <div class="banner">
      <Notice
        tone="warn"
        title={common.alertTitle}
        action={
          <LinkButton slim href={href('/security')}>
            {common.setUpNow}
          </LinkButton>
        }
      >
        {common.alertText}
      </Notice>
    </div>
  );
}
