import type { ReactNode } from "react";
import { asFailure } from "../api/client";

export type Tone = "good" | "warn" | "bad" | "plain";

/** Something to be read now. Bad news interrupts a screen reader, anything else waits. */
export function Notice({ tone = "plain", title, children }: { tone?: Tone; title?: string; children?: ReactNode }) {
  return (
    <div className={`notice ${tone}`} role={tone === "bad" ? "alert" : "status"}>
      {title && <strong>{title}</strong>}
      {children}
    </div>
  );
}

/** Why something did not work, with its code; `unless` are fields that say it themselves. */
export function FailureNotice({ error, unless = [] }: { error: unknown; unless?: readonly string[] }) {
  if (!error) return null;
  const failure = asFailure(error);
  if (unless.includes(failure.field)) return null;
  return (
    <Notice tone="bad">
      <pre className="words">{failure.message}</pre>
      {failure.hint && !failure.message.includes(failure.hint) && <p>{failure.hint}</p>}
      {failure.code && <small>{failure.code}</small>}
    </Notice>
  );
}
