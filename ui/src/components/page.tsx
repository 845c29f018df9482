import { useEffect, useRef, type ReactNode } from "react";

/** A page: its title in the window too, and the focus on it when one comes from another page. */
export function Page({ title, actions, children }: { title: string; actions?: ReactNode; children: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · conduit`;
    if (document.activeElement?.closest("nav, main") || visited) heading.current?.focus();
    visited = true;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div className="actions">{actions}</div>}
      </header>
      {children}
    </>
  );
}

/** Whether a page was shown before: the first one leaves the focus where the browser puts it. */
let visited = false;
