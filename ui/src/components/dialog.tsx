import { useEffect, useId, useRef, type ReactNode } from "react";
import { Button } from "./button";

type Props = {
  title: string;
  /** What the button that goes ahead says. */
  go: string;
  danger?: boolean;
  onGo: () => void;
  onClose: () => void;
  children: ReactNode;
};

/** A question that has to be answered first. The browser's own dialog keeps the focus inside and closes on Escape. */
export function Dialog({ title, go, danger, onGo, onClose, children }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <h2 id={id}>{title}</h2>
      {children}
      <p className="actions">
        <Button onClick={() => dialog.current?.close()} quiet>
          Cancel
        </Button>
        <Button
          danger={danger}
          onClick={() => {
            onGo();
            dialog.current?.close();
          }}
        >
          {go}
        </Button>
      </p>
    </dialog>
  );
}
