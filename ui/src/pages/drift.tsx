import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { driftQuery } from "../api/queries";
import type { Drifted } from "../api/types";
import { ApplyPlan } from "../components/apply";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Loaded } from "../components/loaded";
import { FailureNotice, Notice } from "../components/notice";
import { Page } from "../components/page";
import { At } from "../components/problems";
import { Table } from "../components/table";
import { Time } from "../components/time";
import { Value, wordsOf } from "../components/value";
import { useMay } from "../session/context";

/** What the host changed, field by field: take it over into the manifest, or put it back as it is declared. */
export function Drift() {
  const drift = useQuery(driftQuery);
  const mayChange = useMay("system:write");
  const accept = useAccept();
  const accepted = accept.data as { file?: string; commit?: string } | undefined;
  return (
    <Page title="Drift">
      <p className="muted">Accepting writes the live value into the manifest. Putting back applies what is declared.</p>
      <FailureNotice error={accept.error} />
      {accepted && (
        <Notice tone="good" title="Accepted">
          <p>
            {accepted.file} {accepted.commit && `in commit ${accepted.commit.slice(0, 7)}`}
          </p>
        </Notice>
      )}
      <Loaded query={drift}>
        {(found) => (
          <>
            <Table
              caption="Differences that the host caused"
              rows={found.drift}
              id={(each) => `${each.address}.${each.field}`}
              empty="Nothing was changed on the host."
              columns={[
                { head: "Resource", cell: (each) => <strong>{each.address}</strong> },
                { head: "Field", cell: (each) => (each.field ? <code>{each.field}</code> : "the whole") },
                { head: "Live", cell: (each) => (each.field ? <Value value={each.live} old /> : wordsOf(each.live)) },
                { head: "Declared", cell: (each) => (each.field ? <Value value={each.declared} /> : "–") },
                { head: "Origin", cell: (each) => <Badge state={each.origin} /> },
                { head: "Seen", cell: (each) => (each.since === null ? "just found" : <Time at={each.since} />) },
                { head: "Declared at", cell: (each) => <At source={each.source} /> },
                ...(mayChange ? [{ head: "Do", cell: (each: Drifted) => <Accept each={each} accept={accept} /> }] : []),
              ]}
            />
            {mayChange && <ApplyPlan words="Put everything back" />}
            {found.ignored > 0 && <p>{found.ignored} known differences are ignored.</p>}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function useAccept() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ address, field }: Drifted) => {
      const [kind = "", name = ""] = address.split(/\/(.*)/s);
      const query = field ? { field } : {};
      return answer(api.POST("/api/drift/{kind}/{name}/accept", { params: { path: { kind, name }, query } }));
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ["drift"] }),
  });
}

/** What no manifest declares, such as a whole frame, no manifest can take over. */
function Accept({ each, accept }: { each: Drifted; accept: ReturnType<typeof useAccept> }) {
  if (!each.source) return null;
  return (
    <Button quiet busy={accept.isPending} onClick={() => accept.mutate(each)} aria-label={`Accept ${each.address} ${each.field}`}>
      Accept
    </Button>
  );
}
