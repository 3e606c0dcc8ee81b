import { useState } from 'preact/hooks';
import { common } from '../strings.js';
import { Field } from './field.js';

interface PasswordFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly autocomplete: 'current-password' | 'new-password' | 'off';
  readonly hint?: string;
  readonly wrong?: string | null;
  readonly minLength?: number;
  readonly autoFocus?: boolean;
}

/** A password, with a button that shows what was typed. */
export function PasswordField(props: PasswordFieldProps) {
  const [isShown, setShown] = useState(false);
  return (
    <div class="password-field">
      <Field {...props} type={isShown ? 'text' : 'password'} required />
      <button
        type="button"
        class="reveal"
        aria-pressed={isShown}
        aria-label={isShown ? common.hidePassword : common.showPassword}
        onClick={() => setShown(!isShown)}
      >
        {isShown ? common.hide : common.show}
      </button>
    </div>
  );
}
