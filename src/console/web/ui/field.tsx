import type { ComponentChildren, InputHTMLAttributes } from 'preact';
import { useId } from 'preact/hooks';
import { AlertIcon } from './icons.js';

interface FieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  /** Why what is in it is wrong. */
  readonly wrong?: string | null | undefined;
}

/** No type="email": browsers refuse letters beyond ASCII in it. */
const INPUT_TYPES = {
  text: { type: 'text' },
  email: { type: 'text' },
  password: { type: 'password' },
  date: { type: 'date' },
  /** A day and a time by the clock of who looks. */
  moment: { type: 'datetime-local', step: 1 },
} as const;

type InputProps = FieldProps & {
  readonly value: string;
  readonly onInput: (value: string) => void;
  readonly type?: keyof typeof INPUT_TYPES;
  readonly autocomplete?: InputHTMLAttributes['autocomplete'];
  readonly placeholder?: string;
  readonly required?: boolean;
  readonly autoFocus?: boolean;
  readonly inputMode?: InputHTMLAttributes['inputMode'];
  readonly minLength?: number;
  readonly min?: string;
  readonly isCode?: boolean;
  readonly disabled?: boolean;
};

/** Text that people type. */
export function Field(props: InputProps) {
  const { label, hint, wrong, value, onInput, type = 'text', isCode = false, autocomplete = 'off' } = props;
  const id = useId();
  const isEmail = type === 'email';
  return (
    <Frame id={id} label={label} hint={hint} wrong={wrong}>
      <input
        id={id}
        class={isCode ? 'input code' : 'input'}
        {...INPUT_TYPES[type]}
        inputMode={isEmail ? 'email' : props.inputMode}
        value={value}
        placeholder={props.placeholder}
        autocomplete={autocomplete}
        autocapitalize={isEmail || isCode || type === 'password' ? 'none' : undefined}
        spellcheck={isEmail || isCode || type === 'password' ? false : undefined}
        required={props.required}
        minLength={props.minLength}
        min={props.min}
        disabled={props.disabled}
        autofocus={props.autoFocus ?? false}
        ref={props.autoFocus ? focusOnce : undefined}
        aria-invalid={wrong ? true : undefined}
        aria-describedby={describedBy(id, hint, wrong)}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </Frame>
  );
}

type SelectProps<T extends string> = FieldProps & {
  readonly value: T;
  readonly onChange: (value: T) => void;
  readonly options: readonly { readonly value: T; readonly text: string }[];
  readonly disabled?: boolean;
};

export function Select<T extends string>({ label, hint, wrong, value, onChange, options, disabled }: SelectProps<T>) {
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} wrong={wrong}>
      <select
        id={id}
        class="input"
        value={value}
        disabled={disabled}
        aria-describedby={describedBy(id, hint, wrong)}
        onChange={(event) => onChange(event.currentTarget.value as T)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.text}
          </option>
        ))}
      </select>
    </Frame>
  );
}

interface CheckProps {
  readonly label: string;
  readonly hint?: string;
  readonly isOn: boolean;
  readonly onChange: (isOn: boolean) => void;
  readonly disabled?: boolean;
}

export function Check({ label, hint, isOn, onChange, disabled }: CheckProps) {
  return (
    <label class="check">
      <input
        type="checkbox"
        checked={isOn}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <span>
        {label}
        {hint ? <span class="soft small">{hint}</span> : null}
      </span>
    </label>
  );
}

function Frame({ id, label, hint, wrong, children }: FieldProps & { id: string; children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint ? (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      ) : null}
      {wrong ? (
        <p class="wrong" id={`${id}-wrong`} role="alert">
          <AlertIcon size={16} />
          {wrong}
        </p>
      ) : null}
    </div>
  );
}

function describedBy(id: string, hint: unknown, wrong: unknown): string | undefined {
  const ids = [hint ? `${id}-hint` : '', wrong ? `${id}-wrong` : ''].filter((one) => one !== '');
  return ids.length === 0 ? undefined : ids.join(' ');
}

/** `autofocus` counts when the page loads; what comes later is focused by hand. */
const focused = new WeakSet<HTMLElement>();
function focusOnce(element: HTMLElement | null): void {
  if (!element || focused.has(element)) return;
  focused.add(element);
  queueMicrotask(() => element.focus());
}
