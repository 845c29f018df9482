import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, asFailure } from "../api/client";
import { forgetProgress } from "../api/events";
import { planQuery } from "../api/queries";
import type { Plan, Result } from "../api/types";
import { Button } from "./button";
import { Dialog } from "./dialog";
import { FailureNotice, Notice } from "./notice";
import { ProgressList } from "./progress";
import { ResultView } from "./result";

const CONFLICT = 409;

/** Approves one plan, named by its digest, and follows it to its end. What moved meanwhile is refused by the server. */
export function ApplyPlan({ words, allowDeletes }: { words: string; allowDeletes?: number }) {
  const plan = useQuery(planQuery).data;
  const [shown, show] = useState<Plan | null>(null);
  const queries = useQueryClient();
  const apply = useMutation({
    mutationFn: async (digest: string) => {
      forgetProgress();
      const params = { path: { digest }, query: allowDeletes === undefined ? {} : { allow_deletes: allowDeletes } };
      return (await answer(api.POST("/api/plans/{digest}/apply", { params }))) as Result;
    },
    onSettled: () => queries.invalidateQueries(),
  });
  const moved = apply.error !== null && asFailure(apply.error).status === CONFLICT;
  return (
    <div className="apply">
      {plan && plan.resource_changes.length > 0 && (
        <Button busy={apply.isPending} onClick={() => show(plan)}>
          {words}
        </Button>
      )}
      {shown && (
        <Dialog title="Apply this plan?" go="Apply" onGo={() => apply.mutate(shown.plan_digest)} onClose={() => show(null)}>
          <Approval plan={shown} />
        </Dialog>
      )}
      {(apply.isPending || apply.data) && <ProgressList />}
      <FailureNotice error={apply.error} />
      {moved && <Notice title="Look at the plan again">Nothing was applied that you did not see.</Notice>}
      <ResultView result={apply.data} />
    </div>
  );
}

/** What exactly is approved: the digest, what is done how often, and what it interrupts. */
function Approval({ plan }: { plan: Plan }) {
  const actions = (["create", "update", "replace", "delete", "adopt"] as const).filter((action) => plan.summary[action] > 0);
  const impacts = [...new Set(plan.resource_changes.map((change) => change.impact.text).filter(Boolean))];
  return (
    <>
      <p>{actions.map((action) => `${plan.summary[action]} to ${action}`).join(", ")}.</p>
      {impacts.length > 0 && <p>It interrupts: {impacts.join("; ")}.</p>}
      <ul className="approval">
        {plan.resource_changes.map((change) => (
          <li key={change.address}>
            {change.actions.join(" and ")} <strong>{change.address}</strong>
          </li>
        ))}
      </ul>
      <p className="muted">
        Plan <code>{plan.plan_digest.slice(0, 12)}</code>: if anything moves first, nothing is applied.
      </p>
    </>
  );
}
