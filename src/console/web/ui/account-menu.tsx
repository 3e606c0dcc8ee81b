import { useState } from 'preact/hooks';
import { api } from '../api.js';
import { chooseLanguage, LANGUAGES, language } from '../i18n.js';
import { currentUser, endSession, isWorkUnderWay } from '../session.js';
import { useStore } from '../store.js';
import { common } from '../strings.js';
import { chooseTheme, THEMES, theme } from '../theme.js';
import { GlobeIcon, SignOutIcon, UserIcon } from './icons.js';
import { type Choice, Menu } from './menu.js';
import { Question } from './question.js';
import { toastError } from './toasts.js';

/** Who is signed in; appearance, language, and the way out. */
export function AccountMenu() {
  const { name, email } = currentUser();
  const [isAsking, setAsking] = useState(false);
  const choices: readonly Choice[] = [
    ...appearanceChoices(useStore(theme)),
    {
      text: common.signOut,
      icon: <SignOutIcon size={18} />,
      isApart: true,
      onChoose: () => (isWorkUnderWay() ? setAsking(true) : void signOut()),
    },
  ];
  const text = (
    <>
      <UserIcon />
      <span class="who">
        <strong class="clip">{name || email}</strong>
        <span class="clip">{email}</span>
      </span>
    </>
  );
  return (
    <div class="account">
      <Menu label={common.account} side="start" text={text} choices={choices} />
      {isAsking ? <SignOutQuestion onClose={() => setAsking(false)} /> : null}
    </div>
  );
}

/** For pages before the sign-in, too. */
export function AppearanceMenu() {
  return <Menu label={common.theme} slim icon={<GlobeIcon size={18} />} choices={appearanceChoices(useStore(theme))} />;
}

function appearanceChoices(chosen: (typeof THEMES)[number]): readonly Choice[] {
  return [
    ...THEMES.map((one) => ({ text: common.themes[one], isChosen: one === chosen, onChoose: () => chooseTheme(one) })),
    ...LANGUAGES.map(({ code, name }, index) => ({
      text: name,
      isChosen: code === language.value,
      isApart: index === 0,
      onChoose: () => chooseLanguage(code),
    })),
  ];
}

export async function signOut(): Promise<void> {
  await endSession(() => api('DELETE /api/session')).catch(toastError);
}

/** Asked first: a file that is half sent is not on the drive. */
function SignOutQuestion({ onClose }: { readonly onClose: () => void }) {
  return (
    <Question title={common.signOutTitle} action={common.signOut} onYes={signOut} onClose={onClose}>
      {common.signOutText}
    </Question>
  );
}
