import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { loopQuery } from "../api/queries";
import type { Loop } from "../api/types";
import { useMay } from "../session/context";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { Field } from "./field";
import { FailureNotice } from "./notice";

/** Asks why before the loop is suspended; what somebody applies by hand is applied all the same. */
export function Suspend() {
  const [asked, ask] = useState(false);
  const [reason, setReason] = useState("");
  const suspend = useHolding(() => answer(api.POST("/api/loop/suspend", { body: { reason, until: "" } })) as Promise<Loop>);
  if (!useMay("system:write")) return null;
  return (
    <>
      <Button quiet busy={suspend.isPending} onClick={() => ask(true)}>
        Suspend the loop
      </Button>
      <FailureNotice error={suspend.error} />
      {asked && (
        <Dialog title="Suspend the loop?" go="Suspend" onGo={() => suspend.mutate()} onClose={() => ask(false)}>
          <p>It goes on to look and to tell, and changes nothing until somebody resumes it.</p>
          <Field label="Reason" value={reason} maxLength={500} onChange={(event) => setReason(event.target.value)} />
        </Dialog>
      )}
    </>
  );
}

/** Lets a suspended loop work again. */
export function Resume() {
  const resume = useHolding(() => answer(api.POST("/api/loop/resume")) as Promise<Loop>);
  if (!useMay("system:write")) return null;
  return (
    <>
      <Button quiet busy={resume.isPending} onClick={() => resume.mutate()}>
        Resume
      </Button>
      <FailureNotice error={resume.error} />
    </>
  );
}

function useHolding(act: () => Promise<Loop>) {
  const queries = useQueryClient();
  return useMutation({ mutationFn: act, onSuccess: (loop) => queries.setQueryData(loopQuery.queryKey, loop) });
}
