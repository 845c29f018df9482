import type { FormEvent, ReactNode } from "react";

type Props = { label: string; onSubmit: (form: FormData) => void; children: ReactNode };

/** A form that gives its values to `onSubmit` and sends nothing itself. */
export function Form({ label, onSubmit, children }: Props) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    onSubmit(new FormData(event.currentTarget));
  };
  return (
    <form aria-label={label} className="form" onSubmit={submit}>
      {children}
    </form>
  );
}

/** Return a field of a form as text, "" when it has no such field. */
export function text(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === "string" ? value : "";
}
