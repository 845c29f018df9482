import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { planQuery } from "../api/queries";
import type { Plan as PlanDocument } from "../api/types";
import { ApplyPlan } from "../components/apply";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { ChangeView } from "../components/change";
import { Field } from "../components/field";
import { Loaded } from "../components/loaded";
import { Notice } from "../components/notice";
import { Page } from "../components/page";
import { At, Problems } from "../components/problems";
import { useMay } from "../session/context";

/** What an apply would change now, and approving exactly that. */
export function Plan() {
  const plan = useQuery(planQuery);
  const mayApply = useMay("system:write");
  const [allowed, allow] = useState("");
  return (
    <Page
      title="Plan"
      actions={
        <Button quiet busy={plan.isFetching} onClick={() => void plan.refetch()}>
          Look again
        </Button>
      }
    >
      <Loaded query={plan}>
        {(found) => (
          <>
            <p>
              <Badge state={found.summary.state} /> {counted(found)} Plan <code>{found.plan_digest.slice(0, 12)}</code>
            </p>
            <Doubts plan={found} />
            {found.resource_changes.map((change) => (
              <ChangeView key={change.address} change={change} />
            ))}
            {mayApply && found.unsafe.length > 0 && (
              <Field label="Allow exactly so many deletions" type="number" min={0} value={allowed} onChange={(event) => allow(event.target.value)} />
            )}
          </>
        )}
      </Loaded>
      {mayApply && <ApplyPlan words="Apply this plan" allowDeletes={allowed ? Number(allowed) : undefined} />}
    </Page>
  );
}

function counted({ resource_changes: changes, summary }: PlanDocument): string {
  const rest = `${summary.unchanged} unchanged, ${summary.ignored} ignored, ${summary.unmanaged} not ours.`;
  return changes.length === 0 ? `Nothing to change: ${rest}` : `${changes.length} changes; ${rest}`;
}

/** What keeps a plan from being applied, or should be known before. */
function Doubts({ plan }: { plan: PlanDocument }) {
  return (
    <>
      <Problems title="This plan is not safe, and is refused as it is" problems={plan.unsafe} />
      {plan.unknown.map((each) => (
        <Notice key={each.provider} tone="bad" title={`${each.provider} cannot be read`}>
          <p>{each.reason}. What it has is unknown, and nothing of it is changed.</p>
        </Notice>
      ))}
      {plan.warnings.map((each, number) => (
        <Notice key={number} tone="warn">
          <p>
            {each.message} {"source" in each && <At source={each.source} />}
          </p>
        </Notice>
      ))}
    </>
  );
}
