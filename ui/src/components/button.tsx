import type { ButtonHTMLAttributes } from "react";

type Look = { quiet?: boolean; danger?: boolean; busy?: boolean };

/** A button. While it is `busy` it keeps the focus and does nothing. */
export function Button({ quiet, danger, busy, onClick, ...rest }: Look & ButtonHTMLAttributes<HTMLButtonElement>) {
  const look = quiet ? "quiet" : danger ? "danger" : "";
  return (
    <button
      type="button"
      {...rest}
      className={`button ${look}`}
      aria-disabled={busy || undefined}
      onClick={(event) => (busy ? event.preventDefault() : onClick?.(event))}
    />
  );
}
