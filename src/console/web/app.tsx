import { useEffect } from 'preact/hooks';
import { DriveHome } from './drive-home.js';
import { haveUploadsBegun } from './files/uploads-begun.js';
import { language } from './i18n.js';
import { lazy } from './lazy.js';
import { ADMIN_PAGES, PAGES } from './pages.js';
import { proofWanted } from './proof.js';
import { type PageLocation, place } from './router.js';
import { currentUser, session } from './session.js';
import { SecondStep } from './sign-in/second-step.js';
import { SignIn } from './sign-in/sign-in.js';
import { useStore } from './store.js';
import { common } from './strings.js';
import { NothingHere } from './ui/page.js';
import { Shell } from './ui/shell.js';
import { Toasts } from './ui/toast.js';

const FirstStart = lazy(async () => (await import('./first-start/first-start.js')).FirstStart);
const RequiredSetUp = lazy(async () => (await import('./security/required-set-up.js')).RequiredSetUp);
const UploadPanel = lazy(async () => (await import('./files/upload-panel.js')).UploadPanel, null);
const ProofDialog = lazy(async () => (await import('./sign-in/proof-dialog.js')).ProofDialog);

export function App() {
  const code = useStore(language);
  const isProofWanted = useStore(proofWanted) !== null;
  const hasUploads = useStore(haveUploadsBegun);
  useEffect(() => {
    document.documentElement.lang = code;
  }, [code]);
  // Texts are looked up while rendering: another language is another tree.
  return (
    <div key={code} class="app">
      <Stage />
      {isProofWanted ? <ProofDialog /> : null}
      {hasUploads ? <UploadPanel /> : null}
      <Toasts />
    </div>
  );
}

/** What is to be seen before anything else can be done. */
function Stage() {
  const found = useStore(session);
  const here = useStore(place);
  if (!found) return <div class="splash" role="status" aria-label={common.loading} />;
  if (found.stage === 'signed-out') return <SignIn />;
  if (found.stage === 'second-step') return <SecondStep ways={found.secondStep ?? { code: true, passkey: false }} />;
  if (found.user?.mustSetUpSecondFactor) return <RequiredSetUp />;
  if (found.user?.isFirstStart || here.path.startsWith('/welcome')) return <FirstStart />;
  return (
    <Shell>
      <Page place={here} />
    </Shell>
  );
}

function Page({ place: { path } }: { readonly place: PageLocation }) {
  const [, first = '', second = ''] = path.split('/');
  const ThePage = first === 'admin' ? (currentUser().isAdmin ? ADMIN_PAGES.get(second) : undefined) : PAGES.get(first);
  if (ThePage) return <ThePage key={path} />;
  if (first === '' || /^(files|trash|connect)$/.test(first)) return <DriveHome path={path} />;
  return <NothingHere />;
}
