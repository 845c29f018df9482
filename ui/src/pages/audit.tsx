import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { auditQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Loaded } from "../components/loaded";
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
