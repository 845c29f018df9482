import { useId, type InputHTMLAttributes, type ReactNode } from "react";
import { asFailure } from "../api/client";

type About = { label: string; hint?: string; error?: string };
type Input = About & InputHTMLAttributes<HTMLInputElement>;

/** A labelled input with its hint and its error beside it. */
export function Field({ label, hint, error, ...input }: Input) {
  const id = useId();
  return (
    <Labelled id={id} {...{ label, hint, error }}>
      <input id={id} {...described(id, hint, error)} {...input} />
    </Labelled>
  );
}

type Choices = About & { name: string; value?: string; choices: Record<string, string>; onChange?: (value: string) => void };

/** A labelled choice of one out of few. */
export function Select({ label, hint, error, choices, onChange, ...select }: Choices) {
  const id = useId();
  return (
    <Labelled id={id} {...{ label, hint, error }}>
      <select id={id} {...described(id, hint, error)} {...select} onChange={(event) => onChange?.(event.target.value)}>
        {Object.entries(choices).map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </Labelled>
  );
}

export function Labelled({ id, label, hint, error, children }: About & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
      {error && (
        <strong id={`${id}-error`} role="alert">
          {error}
        </strong>
      )}
    </div>
  );
}

/** Return what ties an input to the words about it. */
export function described(id: string, hint?: string, error?: string) {
  const about = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return { "aria-describedby": about || undefined, "aria-invalid": error ? true : undefined };
}

/** Return what a failed request says of one field, for the place beside it. */
export function errorOf(error: unknown, field: string): string | undefined {
  if (!error) return undefined;
  const failure = asFailure(error);
  return failure.field === field ? failure.message : undefined;
}
