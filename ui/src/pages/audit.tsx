import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { auditQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Loaded } from "../components/loaded";
import { FailureNotice, Notice } from "../components/notice";
import { Page } from "../components/page";
import { Table } from "../components/table";
import { Time } from "../components/time";

const STEP = 50;
const MOST = 500;

/** Who did what and whether it worked, newest first. */
export function Audit() {
  const [limit, setLimit] = useState(STEP);
  const audit = useQuery(auditQuery(limit));
  return (
    <Page title="Audit">
      <Verify />
      <Loaded query={audit}>
        {(found) => (
          <>
            <Table
              caption="Audit trail, newest first"
              rows={found.entries}
              id={(each) => `${each.timestamp} ${each.action} ${each.message}`}
              empty="Nothing was done yet."
              columns={[
                { head: "When", cell: (each) => <Time at={each.timestamp} /> },
                { head: "Who", cell: (each) => <strong>{each.user}</strong> },
                { head: "Did", cell: (each) => each.action },
                { head: "Ended", cell: (each) => <Badge state={each.status} /> },
                { head: "What", cell: (each) => each.message },
                { head: "From", cell: (each) => each.address || "–" },
              ]}
            />
            <p>
              {found.entries.length} of {found.total}.{" "}
              {found.entries.length < Math.min(found.total, MOST) && (
                <Button quiet onClick={() => setLimit(Math.min(limit + STEP, MOST))}>
                  Show more
                </Button>
              )}
            </p>
          </>
        )}
      </Loaded>
    </Page>
  );
}

/** Has the server check the whole trail, which takes a while once it is long. */
function Verify() {
  const verify = useMutation({ mutationFn: () => answer(api.GET("/api/audit/verify")) });
  const found = verify.data;
  return (
    <>
      <p>
        <Button quiet busy={verify.isPending} onClick={() => verify.mutate()}>
          {verify.isPending ? "Verifying …" : "Verify the trail"}
        </Button>
      </p>
      <FailureNotice error={verify.error} />
      {found && (
        <Notice tone={found.holds ? "good" : "bad"} title={found.holds ? "The trail holds" : "The trail was changed"}>
          <p>{found.bad ?? `Entries ${found.first} to ${found.last}, signed up to ${found.signed}.`}</p>
          {found.warnings.map((each) => (
            <p key={each}>{each}</p>
          ))}
        </Notice>
      )}
    </>
  );
}
